    db_name: Annotated[str | None, typer.Option(help="The database's name.")] = None,

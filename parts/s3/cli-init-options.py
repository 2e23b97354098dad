    bucket: Annotated[str | None, typer.Option(help="The bucket's name.")] = None,

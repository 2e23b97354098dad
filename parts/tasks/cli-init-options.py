    nats_stream: Annotated[str | None, typer.Option(help="The stream of the tasks.")] = None,

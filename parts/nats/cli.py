from app.commands import messages

cli.add_typer(messages.commands)

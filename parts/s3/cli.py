from app.commands import storage

cli.add_typer(storage.commands)

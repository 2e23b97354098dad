from app.commands import database

cli.add_typer(database.commands)

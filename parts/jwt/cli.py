from app.commands import tokens

cli.add_typer(tokens.commands)

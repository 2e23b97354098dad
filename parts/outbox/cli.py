from app.commands import outbox

cli.add_typer(outbox.commands)

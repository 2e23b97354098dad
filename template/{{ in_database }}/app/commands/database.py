"""The command for the database's schema."""

import asyncio
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="The revision.")] = "head",
    down: Annotated[
        bool,
        typer.Option("--down", help="Downgrade; base: an empty database, -1: one revision back."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; fail if schema and models differ."),
    ] = False,
) -> None:
    """Migrate the database's schema to a revision of migrations/.

    The default is the newest.
    """
    from app.checks.database import migration_due
    from app.core.config import get_settings
    from app.core.migrations import current_revision, downgrade, upgrade

    settings = get_settings()
    if check:
        due = asyncio.run(migration_due(settings))
        print(due or "The schema matches the models.")
        raise typer.Exit(due is not None)
    if down and revision == "head":
        raise typer.BadParameter("--down needs a revision, such as base or -1.")
    asyncio.run((downgrade if down else upgrade)(settings, revision))
    print(f"The schema is at {asyncio.run(current_revision(settings)) or 'base'}.")

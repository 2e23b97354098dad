"""What the outbox could not send."""

import asyncio
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def outbox(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", help="Only these, with what they say."),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Have it sent once more.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Do that with all of them.")] = False,
) -> None:
    """List what the outbox could not send; retry or discard it."""
    from app.checks.failed_messages import work_on
    from app.checks.outbox import open_outbox
    from app.core.config import get_settings

    store = open_outbox(get_settings())
    asyncio.run(work_on(store, ids or [], everything, send_again=retry, discard=discard))

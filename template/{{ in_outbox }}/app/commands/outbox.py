"""The command for messages that the outbox relay rejected."""

import asyncio
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def outbox(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", help="Only these, with their payload."),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Send it again.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Apply to all of them.")] = False,
) -> None:
    """List, retry or discard the rejected messages."""
    from app.checks.failed_messages import work_on
    from app.checks.outbox import open_outbox
    from app.core.config import get_settings

    store = open_outbox(get_settings())
    asyncio.run(work_on(store, ids or [], everything, send_again=retry, discard=discard))

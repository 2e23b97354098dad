"""Commands for the worker, its streams and its dead letters."""

import asyncio
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def worker() -> None:
    """Run the background worker."""
    from app import worker as program
    from app.core.config import get_settings

    get_settings()  # invalid settings stop here, as in every other command
    program.main()


@commands.command()
def streams() -> None:
    """Create or update the JetStream streams.

    Idempotent: a second run changes nothing.
    """
    from app.checks.nats import set_up_streams
    from app.core.config import get_settings

    print("\n".join(asyncio.run(set_up_streams(get_settings()))))


@commands.command("dead-letters")
def dead_letters(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", help="Only these, with their payload."),
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Send it again.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Apply to all of them.")] = False,
) -> None:
    """List, replay or discard the dead letters.

    A replayed message goes to all its handlers again.
    """
    from app.checks.dead_letters import open_dead_letters
    from app.checks.failed_messages import work_on
    from app.core.config import get_settings

    store = open_dead_letters(get_settings())
    asyncio.run(work_on(store, ids or [], everything, send_again=replay, discard=discard))

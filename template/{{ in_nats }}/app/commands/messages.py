"""The worker, its streams, and what it could not handle."""

import asyncio
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def worker() -> None:
    """Run the background worker."""
    from app import worker as program
    from app.core.config import get_settings

    get_settings()  # wrong ones end here, as with every other command
    program.main()


@commands.command()
def streams() -> None:
    """Make the JetStream streams, or bring them up to date.

    The second time nothing changes.
    """
    from app.checks.nats import set_up_streams
    from app.core.config import get_settings

    print("\n".join(asyncio.run(set_up_streams(get_settings()))))


@commands.command("dead-letters")
def dead_letters(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", help="Only these, with what they say."),
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Send it again.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete it.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Do that with all of them.")] = False,
) -> None:
    """List what could not be handled; replay or discard it.

    What is replayed goes to all that handle it once more.
    """
    from app.checks.dead_letters import open_dead_letters
    from app.checks.failed_messages import work_on
    from app.core.config import get_settings

    store = open_dead_letters(get_settings())
    asyncio.run(work_on(store, ids or [], everything, send_again=replay, discard=discard))

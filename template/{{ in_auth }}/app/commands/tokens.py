"""Access tokens."""

from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def token(
    subject: Annotated[str, typer.Argument(help="The subject, such as a user's id.")],
    minutes: Annotated[
        int | None,
        typer.Option(min=1, help="Lifetime instead of ACCESS_TOKEN_EXPIRE_MINUTES."),
    ] = None,
) -> None:
    """Print an access token for the API."""
    from datetime import timedelta

    from app.common.security import create_access_token
    from app.core.config import get_settings

    lifetime = None if minutes is None else timedelta(minutes=minutes)
    print(create_access_token(get_settings(), subject, lifetime))

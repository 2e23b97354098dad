"""The bucket."""

import asyncio

import typer

commands = typer.Typer()


@commands.command()
def bucket() -> None:
    """Create the bucket if it is missing."""
    from app.common.oss import ensure_bucket
    from app.core.config import get_settings

    settings = get_settings()
    made = asyncio.run(ensure_bucket(settings))
    print(f"The bucket {settings.S3_BUCKET} {'was created' if made else 'already exists'}.")

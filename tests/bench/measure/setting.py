"""What all rows share: the servers, the settings of the programs, and how long to measure."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.core.config import SERVICE_NAME, Settings
from devstack import watchdog
from devstack.prepare import prepare
from devstack.stack import Stack

PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
"""What a program of this machine needs besides its settings."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how to measure.

    Attributes:
        folder: a new folder for logs and files.
        service: the folder of the rendered service.
        environment: all environment variables of the programs that are measured.
        settings: the same, as the service reads them.
        database: a connection that looks at what the programs have stored.
        rounds: how often each program gets its turn.
        seconds: how long one turn takes.
        quick: whether to measure less of what takes long, to see that all of it works.
    """

    folder: Path
    service: Path
    environment: Mapping[str, str]
    settings: Settings
    database: asyncpg.Connection
    rounds: int
    seconds: float
    quick: bool


MAX_CONNECTIONS = 400
"""Every program that is measured keeps its own, and up to a dozen run side by side."""


async def _allow_connections(stack: Stack) -> None:
    database = await asyncpg.connect(stack.postgres.url("postgres"))
    await database.execute(f"ALTER SYSTEM SET max_connections = {MAX_CONNECTIONS}")
    await database.close()
    await stack.postgres.stop()
    await stack.postgres.start()


@asynccontextmanager
async def started(
    changes: Mapping[str, str],
    *,
    rounds: int,
    seconds: float,
    quick: bool,
) -> AsyncIterator[Setting]:
    """Start PostgreSQL, NATS and S3 as in production, prepare them, and stop them at the end.

    PostgreSQL waits for the disk at each commit. `changes` are settings of the service that shall
    not have their defaults.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    watchdog.guard_folder(folder)
    stack = Stack(folder / "servers")
    try:
        await stack.start()
        await _allow_connections(stack)
        variables: dict[str, Any] = stack.environment(f"{SERVICE_NAME}-bench", {})
        await stack.provide(variables)
        variables |= {"APP_ENV": "production", "SECRET_KEY": secrets.token_hex(32), **changes}
        settings = Settings(**variables)
        await prepare(settings)
        service = Path.cwd()
        machine = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        modules = f"{service}{os.pathsep}{Path(__file__).parent.parent}"
        database = await asyncpg.connect(settings.database_url_sync)
        yield Setting(
            folder=folder,
            service=service,
            environment={**machine, **variables, "PYTHONPATH": modules},
            settings=settings,
            database=database,
            rounds=rounds,
            seconds=seconds,
            quick=quick,
        )
        await database.close()
    finally:
        await stack.stop()
        shutil.rmtree(folder, ignore_errors=True)

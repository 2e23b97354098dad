"""Brings the database's schema to a revision of `migrations/`, for the command line and tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

import app.core
import app.features
from app.core.config import Settings
from app.core.database import Base, connected_engine
from app.core.resource import StartupError

ALEMBIC_INI: Final = Path(__file__).parents[2] / "alembic.ini"
_LOCK: Final = 8_317_004_625  # any number, as long as nothing else in the database locks it


def all_models() -> MetaData:
    """Return the tables of every model, wherever in app/core and app/features it stands."""
    for package in (app.core, app.features):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    return Base.metadata


@asynccontextmanager
async def migration_connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Yield a connection on which nobody else migrates this database at the same time.

    Raises:
        StartupError: the database cannot be reached.
    """
    patient = settings.model_copy(update={"DB_STATEMENT_TIMEOUT": None})
    async with connected_engine(patient) as engine, engine.connect() as connection:
        # Asking again and again instead of waiting inside one statement, since a statement that
        # waits would hold up CREATE INDEX CONCURRENTLY in the migration that it waits for.
        while not await connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
            await connection.rollback()
            await asyncio.sleep(0.1)
        await connection.commit()
        try:
            yield connection
        finally:
            await connection.invalidate()  # the lock goes with the connection, whatever happened


class MigrationError(StartupError):
    """The schema cannot be brought to the wanted revision; its text says why."""


async def upgrade(settings: Settings, revision: str = "head") -> None:
    """Upgrade the schema to `revision`; does nothing if it is there already.

    Raises:
        StartupError: the database cannot be reached.
        MigrationError: there is no such revision, or the database has one that is not here.
    """
    await _run(command.upgrade, settings, revision)


async def downgrade(settings: Settings, revision: str) -> None:
    """Downgrade the schema to `revision`; `base` is an empty database, `-1` the one before.

    Raises:
        StartupError, MigrationError: as `upgrade` does.
    """
    await _run(command.downgrade, settings, revision)


async def _run(
    alembic_command: Callable[[Config, str], None],
    settings: Settings,
    revision: str,
) -> None:
    def run(connection: Connection) -> None:
        alembic_command(Config(ALEMBIC_INI, attributes={"connection": connection}), revision)

    async with migration_connection(settings) as connection:
        try:
            await connection.run_sync(run)
        except CommandError as error:
            raise MigrationError(f"The migration to {revision} failed: {error}.") from error


async def current_revision(settings: Settings) -> str | None:
    """Return the revision that the database has, None before the first."""
    async with connected_engine(settings) as engine, engine.connect() as connection:
        return await connection.run_sync(
            lambda connected: MigrationContext.configure(connected).get_current_revision(),
        )

"""Migrate the database's schema to a revision of `migrations/`."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import dialect
from app.core.config import Settings
from app.core.database import Base, connected_engine
from app.core.discovery import import_modules
from app.core.errors import ServiceUnavailable
from app.core.resource import StartupError

ALEMBIC_INI: Final = Path(__file__).parents[2] / "alembic.ini"
_LOCK: Final = 8_317_004_625  # an arbitrary number that nothing else in the database locks


def all_models() -> MetaData:
    """Return the tables of all models in app/core and app/features."""
    for package in ("app.core", "app.features"):
        import_modules(import_module(package))
    return Base.metadata


@asynccontextmanager
async def migration_connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Yield a connection that holds the migration lock of this database.

    Raises:
        StartupError: the database cannot be reached.
    """
    patient = settings.model_copy(update={"DB_STATEMENT_TIMEOUT": None})
    async with connected_engine(patient) as engine, engine.connect() as connection:
        # Poll instead of waiting in one statement: a waiting statement would block CREATE INDEX
        # CONCURRENTLY in the migration that holds the lock.
        while not await connection.scalar(text(dialect.try_lock(_LOCK))):
            await connection.rollback()
            await asyncio.sleep(0.1)
        await connection.commit()
        try:
            yield connection
        finally:
            await connection.invalidate()  # closing the connection always releases the lock


class MigrationError(StartupError):
    """The schema cannot be migrated to the revision. The text is the reason."""


async def upgrade(settings: Settings, revision: str = "head") -> None:
    """Upgrade the schema to `revision`; does nothing if it has that revision.

    Raises:
        StartupError: the database cannot be reached.
        MigrationError: there is no such revision, or the database has an unknown one.
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
            if reason := await connection.run_sync(lambda at: obstacle(at, revision)):
                raise MigrationError(reason)
            await connection.rollback()
            await connection.run_sync(run)
        except (CommandError, RevisionError) as error:
            reason = str(error).rstrip(".")
            raise MigrationError(f"The migration to {revision} failed: {reason}.") from error
        except (DBAPIError, ServiceUnavailable) as error:
            found = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error
            reason = " ".join(str(found).partition(": ")[2].split() or str(found).split())
            raise MigrationError(
                f"The migration to {revision} failed: {reason.rstrip('.')}. "
                "Its changes were rolled back, except those outside its transaction.",
            ) from error


def obstacle(connection: Connection, revision: str = "head") -> str | None:
    """Return what blocks the migration to `revision`, and the next step; None if nothing does."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", category=UserWarning, module="alembic")
            script = ScriptDirectory.from_config(Config(ALEMBIC_INI))
            heads = script.get_heads()
    except (CommandError, RevisionError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split()).replace(" ,", ",")
        return (
            f"The revisions of migrations/versions/ do not fit together: {reason}. Each has an id "
            "of its own, and names as `down_revision` the one before it, whose file must be there."
        )
    if len(heads) > 1 and revision == "head":
        return (
            f"There are {len(heads)} newest revisions: {', '.join(sorted(heads))}. Join them with "
            "`alembic merge heads -m '…'`, then run `migrate`."
        )
    known = {found.revision for found in script.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        return (
            f"The database is at the revision {', '.join(sorted(unknown))}, which is not in "
            "migrations/versions/: other code has migrated it. Run that code, or bring the file "
            "of the revision here."
        )
    return None


async def current_revision(settings: Settings) -> str | None:
    """Return the database's revision, None before the first; several are comma-separated."""
    async with connected_engine(settings) as engine, engine.connect() as connection:
        heads = await connection.run_sync(
            lambda connected: MigrationContext.configure(connected).get_current_heads(),
        )
    return ", ".join(sorted(heads)) or None

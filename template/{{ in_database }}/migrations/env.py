"""Run the migrations; Alembic executes this file for each of its commands."""

import asyncio
import logging
import sys

from alembic import context
from sqlalchemy import Connection

from app.common.logging_config import setup_logging
from app.core import dialect
from app.core.config import get_settings
from app.core.migrations import all_models, migration_connection
from app.core.resource import StartupError
from app.core.settings.errors import SettingsError


def run_migrations(connection: Connection) -> None:
    """Run the migrations on `connection`, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=all_models(),
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    """Run the migrations on the database of the settings, for the `alembic` command."""
    settings = get_settings()
    setup_logging(settings.APP_ENV, settings.LOG_LEVEL)
    logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")  # six uninformative lines
    async with migration_connection(settings) as connection:
        await connection.run_sync(run_migrations)


if context.is_offline_mode():  # --sql
    context.configure(dialect_name=dialect.NAME, target_metadata=all_models(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif "connection" in context.config.attributes:  # from app/core/migrations.py
    run_migrations(context.config.attributes["connection"])
else:
    try:
        asyncio.run(connect_and_run())
    except (SettingsError, StartupError) as error:
        sys.exit(str(error))

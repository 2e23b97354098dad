"""The migrations: up, down, up again, by several at once, and true to the models."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.config import main as alembic_command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, inspect

from app.core.config import Settings
from app.core.database import connected_engine
from app.core.migrations import (
    ALEMBIC_INI,
    MigrationError,
    all_models,
    current_revision,
    downgrade,
    upgrade,
)
from tests.dialect import address_of, create_database, drop_database


@pytest.fixture
async def empty(settings: Settings) -> AsyncIterator[Settings]:
    """The settings of a service whose database is empty."""
    address, name = settings.database_url_sync, "empty_for_migrations"
    await create_database(address, name)
    url = SecretStr(address_of(name, address))
    yield settings.model_copy(update={"DATABASE_URL": url})
    await drop_database(address, name)


async def tables(settings: Settings) -> set[str]:
    """Return the tables that there are, but for Alembic's own."""

    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    async with connected_engine(settings) as engine, engine.connect() as connection:
        return await connection.run_sync(names)


async def test_up_and_down_and_up_again(empty: Settings) -> None:
    await upgrade(empty)
    assert await tables(empty) == all_models().tables.keys()
    head = ScriptDirectory.from_config(Config(ALEMBIC_INI)).get_current_head()
    assert await current_revision(empty) == head

    await downgrade(empty, "base")
    assert await tables(empty) == set()
    assert await current_revision(empty) is None

    await upgrade(empty)
    assert await tables(empty) == all_models().tables.keys()


async def test_the_migrations_give_what_the_models_say(settings: Settings) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, all_models())

    async with connected_engine(settings) as engine, engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_several_that_start_at_once_do_not_race(empty: Settings) -> None:
    await asyncio.gather(*(upgrade(empty) for _ in range(4)))
    assert await tables(empty) == all_models().tables.keys()


async def test_a_revision_that_is_not_there_is_explained(settings: Settings) -> None:
    with pytest.raises(MigrationError, match="unknown"):
        await upgrade(settings, "unknown")


@pytest.mark.usefixtures("environment")
async def test_the_alembic_command_uses_the_services_settings() -> None:
    command = ["-c", str(ALEMBIC_INI), "check"]
    await asyncio.to_thread(alembic_command, command)  # exits where it finds a difference

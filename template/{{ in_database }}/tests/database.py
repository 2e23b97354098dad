"""A database for this run, and a transaction for each test, which is rolled back."""

import secrets
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from app.core.config import SERVICE_NAME
from app.core.database import (
    AsyncSessionFactory,
    Base,
    ReadSessionFactory,
    get_session_context,
)
from app.core.dialect import read_address
from devstack.stack import Stack
from tests.dialect import address_of, create_database, drop_database, server_address
from tests.servers import yours


@pytest.fixture(scope="session")
async def database(servers: Stack) -> AsyncIterator[str]:
    """The address of an empty database of this run's own."""
    server = read_address(yours().get("DATABASE_URL") or server_address(servers)).url()
    name = f"{SERVICE_NAME}_test_{secrets.token_hex(4)}".replace("-", "_")
    await create_database(server, name)
    yield address_of(name, server)
    await drop_database(server, name)


@pytest.fixture
async def transaction(app: FastAPI) -> AsyncIterator[AsyncConnection]:
    """The connection of every session in this test; what they commit is rolled back in the end.

    It serves one session at a time, so two requests of such a test cannot run at once.
    """
    engine: AsyncEngine = app.state.resources["database"]
    factories = (AsyncSessionFactory, ReadSessionFactory)
    binds = [factory.kw["bind"] for factory in factories]
    async with engine.connect() as connection, connection.begin() as outer:
        for factory in factories:
            factory.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield connection
        finally:
            for factory, bind in zip(factories, binds, strict=True):
                factory.configure(bind=bind, join_transaction_mode="conditional_savepoint")
            await outer.rollback()


@pytest.fixture
async def session(transaction: AsyncConnection) -> AsyncIterator[AsyncSession]:
    """A session in this test's transaction; `client` sees what it commits."""
    async with AsyncSessionFactory() as session:
        yield session


@pytest.fixture
async def committing_client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client whose requests really commit, so that several can run at once.

    All tables are empty afterwards.
    """
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    async with get_session_context() as session:
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(delete(table))

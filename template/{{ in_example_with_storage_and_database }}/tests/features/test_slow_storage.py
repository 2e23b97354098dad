"""Attachments while the object storage takes long."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from app.common.oss import STORAGE, open_storage
from app.core.config import Settings
from app.core.database import ReadSessionFactory, create_engine
from tests.features.example.api import EXAMPLES, create


@pytest.fixture
async def only_connection(settings: Settings) -> AsyncIterator[None]:
    """One connection for all that only reads."""
    few = {"DB_POOL_SIZE": 1, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 0.2}
    engine = create_engine(settings.model_copy(update=few))
    usual = ReadSessionFactory.kw["bind"]
    ReadSessionFactory.configure(bind=engine.execution_options(isolation_level="AUTOCOMMIT"))
    yield
    ReadSessionFactory.configure(bind=usual)
    await engine.dispose()


@pytest.mark.usefixtures("only_connection")
async def test_others_have_the_database_while_a_request_waits_for_the_storage(
    app: FastAPI,
    settings: Settings,
    committing_client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"{EXAMPLES}/{(await create(committing_client, 'waiting'))['id']}"
    is_asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        slow = settings.model_copy(update={"S3_ENDPOINT": f"http://127.0.0.1:{port}"})
        async with open_storage(slow) as storage:
            monkeypatch.setitem(app.state.resources, STORAGE.name, storage)
            waiting = asyncio.create_task(committing_client.get(f"{path}/attachments"))
            await asyncio.wait_for(is_asked.wait(), 10)
            answer = await committing_client.get(path)
            assert not waiting.done()
            waiting.cancel()
    assert answer.status_code == 200

"""How long the service waits for a database that takes connections and says nothing."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database import connected_engine
from app.core.resource import StartupError


@pytest.mark.parametrize(
    "limits",
    [
        {"DB_CONNECT_TIMEOUT": 0.1, "STARTUP_TIMEOUT": 2},  # tries again, and says why it gives up
        {"STARTUP_TIMEOUT": 0.1},
    ],
    ids=str,
)
async def test_a_database_that_says_nothing_is_given_up_in_time(
    settings: Settings,
    limits: dict[str, Any],
) -> None:
    tried = 0
    over = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        silent = {"DATABASE_URL": SecretStr(f"postgresql://nobody:no@{host}:{port}/none"), **limits}
        try:
            async with asyncio.timeout(8):
                with pytest.raises(StartupError, match="cannot be reached"):
                    async with connected_engine(settings.model_copy(update=silent)):
                        pass
        finally:
            over.set()
    assert tried == (2 if "DB_CONNECT_TIMEOUT" in limits else 1)

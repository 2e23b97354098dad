"""The streams: declared once, set up as often as one likes."""

from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.nats.resource import declared_streams, ensure_streams
from app.core.nats.streams import (
    DEAD_LETTERS_STREAM,
)
from tests.messages import connected


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection; afterwards the streams are as declared."""
    async with connected(settings) as connection:
        yield connection
        await connection.js.delete_stream(DEAD_LETTERS_STREAM)
        await ensure_streams(connection.js, settings)


async def test_setting_up_again_changes_nothing(nats: NatsConnection, settings: Settings) -> None:
    sentences = await ensure_streams(nats.js, settings)
    names = [stream.name for stream in declared_streams(settings)]
    assert sentences == [f"The stream {name} is as declared." for name in names]


async def test_a_missing_stream_is_created(nats: NatsConnection, settings: Settings) -> None:
    await nats.js.delete_stream(DEAD_LETTERS_STREAM)
    sentences = await ensure_streams(nats.js, settings)
    assert f"The stream {DEAD_LETTERS_STREAM} was created." in sentences

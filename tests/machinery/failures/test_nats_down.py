"""The service while NATS is unreachable."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.nats.connection import (
    NatsConnection,
    NatsUnavailable,
    OutgoingMessage,
    nats_connection,
)
from app.core.nats.resource import ensure_streams
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.worker import streams_are_set_up
from devstack.nats import NatsServer
from devstack.process import HOST, free_port
from tests.machinery.streams import keeping_streams
from tests.messages import connected, stored
from tests.polling import until

SUBJECT = dead_letter_subject("test")


async def test_the_worker_waits_for_nats_and_can_be_ended_meanwhile(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = settings.model_copy(update={"NATS_URL": [f"nats://{HOST}:{free_port()}"]})
    stop = asyncio.Event()
    async with nats_connection(own) as connection, keeping_streams(connection):
        waiting = asyncio.create_task(streams_are_set_up(connection, stop))
        await asyncio.wait({waiting}, timeout=0.3)
        assert not waiting.done()
        stop.set()
        assert not await waiting


async def test_nothing_is_lost_or_doubled_when_nats_is_killed_while_messages_are_published(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.nats.connection.RECONNECT_INTERVAL", 0.1)
    server = NatsServer(tmp_path)
    await server.start()
    own = settings.model_copy(update={"NATS_URL": [server.url]})
    messages: list[OutgoingMessage] = []
    failures = 0

    async def publish(connection: NatsConnection, message: OutgoingMessage) -> None:
        nonlocal failures
        while True:
            try:
                return await connection.publish(message)
            except NatsUnavailable:
                failures += 1
                await connection.connected.wait()

    async def publish_until_some_fail(connection: NatsConnection) -> None:
        while not failures:
            some = [
                OutgoingMessage(SUBJECT, uuid4().bytes, {"Nats-Msg-Id": uuid4().hex})
                for _ in range(20)
            ]
            messages.extend(some)
            await asyncio.gather(*(publish(connection, message) for message in some))

    try:
        async with connected(own) as connection:
            await ensure_streams(connection.js, own)
            publishing = asyncio.create_task(publish_until_some_fail(connection))

            async def some_are_published() -> bool:
                return len(messages) > 100

            await until(some_are_published)
            await server.kill()
            await until(lambda: _is_away(connection))
            await server.start()
            async with asyncio.timeout(30):
                await publishing
            found = await stored(connection, DEAD_LETTERS_STREAM, SUBJECT)
    finally:
        await server.kill()
    assert sorted(one.data or b"" for one in found) == sorted(one.payload for one in messages)


async def _is_away(connection: NatsConnection) -> bool:
    return not connection.connected.is_set()

"""The service while NATS is unreachable."""

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from app.core.broker import BROKERS
from app.core.config import Settings
from app.core.nats.connection import (
    NatsConnection,
    NatsUnavailable,
    OutgoingMessage,
)
from app.core.nats.resource import NATS, open_nats
from app.core.nats.streams import dead_letter_subject
from app.main import create_app
from devstack.nats import NatsServer
from devstack.process import HOST, free_port
from tests.polling import until

SUBJECT = dead_letter_subject("test")


async def test_the_api_starts_without_nats_and_finds_it_when_it_is_there(
    app: FastAPI,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.nats.connection.RECONNECT_INTERVAL", 0.1)
    port = free_port()
    own = settings.model_copy(
        update={"NATS_URL": [f"nats://{HOST}:{port}"], "NATS_CONNECT_TIMEOUT": 0.2},
    )
    api = create_app(own)
    server = NatsServer(tmp_path, port=port, throwaway=True)
    transport = httpx2.ASGITransport(app=api)
    try:
        async with (
            open_nats(own) as connection,
            httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            api.state.resources = {**app.state.resources, NATS.name: connection}

            async def is_ready() -> bool:
                return (await client.get("/health/ready")).status_code == 200

            assert not await is_ready()
            assert (await client.get("/health/live")).status_code == 200
            with pytest.raises(NatsUnavailable):
                await connection.publish(OutgoingMessage(SUBJECT, b"text"))

            await server.start()
            await until(is_ready)
            await connection.publish(OutgoingMessage(SUBJECT, b"text"))

            await server.discard({})  # killed, and its streams are gone
            await until(lambda: _is_away(connection))
            assert not await is_ready()
            await server.start()
            await until(is_ready)
    finally:
        await server.kill()
        for broker in BROKERS:
            await broker.open(app.state.resources[NATS.name])


async def _is_away(connection: NatsConnection) -> bool:
    return not connection.connected.is_set()

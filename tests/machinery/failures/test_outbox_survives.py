"""The outbox, and the end of everything around it."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings, load_settings
from app.core.database import create_engine, get_session_context
from app.core.nats.connection import NatsConnection, OutgoingMessage
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.core.outbox.messages import add_to_outbox
from app.core.outbox.relay import run_relay
from app.lifespan import open_resources
from tests.dialect import database_server
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import Program
from tests.messages import connected, running, stored
from tests.polling import until

SUBJECT = dead_letter_subject("test")


def commit_and_hang(_arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Be a program that commits a message, says so, and then does nothing more."""
    os.chdir(log.parent)
    os.environ.clear()
    os.environ.update(environment)
    asyncio.run(_commit_and_hang(load_settings(), log))


async def _commit_and_hang(settings: Settings, log: Path) -> None:
    async with open_resources(settings):
        async with get_session_context() as session:
            await add_to_outbox(session, message(b"first"))
        log.write_text("committed")  # noqa: ASYNC240 (nothing else runs here)
        await asyncio.Event().wait()


def message(payload: bytes) -> OutgoingMessage:
    return OutgoingMessage(SUBJECT, payload, {"Nats-Msg-Id": payload.decode()})


async def test_what_was_committed_leaves_though_program_database_and_nats_are_killed(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.nats.connection.RECONNECT_INTERVAL", 0.1)
    monkeypatch.setattr("app.core.outbox.relay.IDLE_INTERVAL", 0.1)
    monkeypatch.setattr("app.core.outbox.relay.STANDBY_INTERVAL", 0.1)
    async with live_service(api=False, background=False) as service:
        program = Program(
            [],
            environment_of(service.settings),
            tmp_path / "program",
            "committed",
            become=commit_and_hang,
        )
        await program.start()
        await program.kill()

        async with connected(service.settings) as nats, running(partial(run_relay, nats)):
            await until(lambda: _have_arrived(nats, b"first"))

            servers = (database_server(service.servers), service.servers.nats)
            await asyncio.gather(*(server.kill() for server in servers))
            await asyncio.gather(*(server.start() for server in servers))
            engine = create_engine(service.settings)
            async with AsyncSession(engine) as session, session.begin():
                await add_to_outbox(session, message(b"second"))
            await engine.dispose()
            await until(lambda: _have_arrived(nats, b"first", b"second"))


async def _have_arrived(nats: NatsConnection, *payloads: bytes) -> bool:
    if not nats.connected.is_set():
        return False
    found = await stored(nats, DEAD_LETTERS_STREAM, SUBJECT)
    return [one.data for one in found] == list(payloads)

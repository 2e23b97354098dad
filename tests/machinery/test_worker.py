"""The worker as a program."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from loguru import logger
from nats import errors as nats_errors

from app import features
from app.core.config import Settings
from app.core.nats.streams import IncompatibleStream
from app.core.resource import StartupError
from app.main import create_app
from app.worker import run_worker, streams_are_set_up
from tests.machinery.streams import keeping_streams, useless_dead_letters
from tests.messages import connected


async def test_it_does_not_start_on_a_stream_that_is_not_as_it_needs_it(settings: Settings) -> None:
    async with connected(settings) as nats, useless_dead_letters(nats), keeping_streams(nats):
        with pytest.raises(IncompatibleStream):
            await streams_are_set_up(nats, asyncio.Event())


async def test_no_program_starts_without_what_a_feature_declares_anywhere(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feature = tmp_path / f"orders_{uuid4().hex}"
    feature.mkdir()
    (feature / "__init__.py").touch()
    (feature / "handlers.py").write_text("import nowhere")
    monkeypatch.setattr(features, "__path__", [*features.__path__, str(tmp_path)])
    reason = rf"app\.features\.{feature.name}\.handlers cannot be imported"
    with pytest.raises(StartupError, match=reason):
        create_app(settings)
    with pytest.raises(StartupError, match=reason):
        await run_worker(settings)


async def test_it_says_that_the_streams_cannot_be_set_up_in_time(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, lines = asyncio.Event(), list[str]()

    async def time_out(*_: object) -> None:
        stop.set()
        raise nats_errors.TimeoutError

    monkeypatch.setattr("app.core.nats.resource.ensure_streams", time_out)
    monkeypatch.setattr("app.core.nats.resource.STREAMS_RETRY_INTERVAL", 0.1)
    handler = logger.add(lines.append, format="{message}")
    try:
        async with connected(settings) as nats, keeping_streams(nats):
            assert not await streams_are_set_up(nats, stop)
    finally:
        logger.remove(handler)
    assert lines == ["The streams cannot be set up yet: nats: timeout\n"]

"""The streams: declared once, set up as often as one likes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.js.api import DiscardPolicy

from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.nats.resource import ensure_streams
from app.core.nats.streams import (
    DEAD_LETTERS_MAX_AGE,
    DEAD_LETTERS_STREAM,
    IncompatibleStream,
    dead_letter_subject,
)
from tests.machinery.streams import useless_dead_letters
from tests.messages import connected


@pytest.fixture
async def nats(settings: Settings) -> AsyncIterator[NatsConnection]:
    """A connection; afterwards the streams are as declared."""
    async with connected(settings) as connection:
        yield connection
        await connection.js.delete_stream(DEAD_LETTERS_STREAM)
        await ensure_streams(connection.js, settings)


async def test_what_can_be_changed_is_changed(nats: NatsConnection, settings: Settings) -> None:
    found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    await nats.js.update_stream(found.evolve(max_age=60, duplicate_window=30))
    sentences = await ensure_streams(nats.js, settings)
    assert f"The stream {DEAD_LETTERS_STREAM} was changed: max_age, duplicate_window." in sentences
    changed = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    assert changed.max_age == DEAD_LETTERS_MAX_AGE


async def test_messages_that_are_kept_longer_stay(nats: NatsConnection, settings: Settings) -> None:
    found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    await nats.js.update_stream(found.evolve(max_age=2 * DEAD_LETTERS_MAX_AGE))
    await ensure_streams(nats.js, settings)
    kept = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    assert kept.max_age == 2 * DEAD_LETTERS_MAX_AGE


OWN = dead_letter_subject(">")


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        ([OWN, "audit.>"], [OWN, "audit.>"]),
        (["dead.>", "audit.>"], ["dead.>", "audit.>"]),
        (["audit.>"], ["audit.>", OWN]),
        ([dead_letter_subject("tasks"), "audit.*"], ["audit.*", OWN]),
    ],
)
async def test_what_others_have_set_on_a_stream_stays(
    nats: NatsConnection,
    settings: Settings,
    theirs: list[str],
    kept: list[str],
) -> None:
    limits: dict[str, Any] = {
        "discard": DiscardPolicy.NEW,
        "duplicate_window": 300,
        "max_bytes": 1_000_000,
        "metadata": {"team": "audit"},
    }
    found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    await nats.js.update_stream(found.evolve(subjects=theirs, **limits))
    await ensure_streams(nats.js, settings)
    left = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).config
    assert left.subjects == kept
    assert {name: getattr(left, name) for name in limits} == limits | {"metadata": left.metadata}
    assert (left.metadata or {})["team"] == "audit"


async def test_what_cannot_be_changed_is_refused_and_named(
    nats: NatsConnection,
    settings: Settings,
) -> None:
    reason = f"{DEAD_LETTERS_STREAM} cannot be used: retention is workqueue and should be limits"
    async with useless_dead_letters(nats):
        with pytest.raises(IncompatibleStream, match=reason):
            await ensure_streams(nats.js, settings)

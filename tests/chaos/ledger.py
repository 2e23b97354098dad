"""What was acknowledged, held against what there is."""

from collections import Counter

import asyncpg
import httpx2
from nats.js.api import DeliverPolicy

from app.core.nats.event_broker import AGGREGATE_ID_HEADER
from app.core.nats.event_streams import EVENTS_STREAM
from app.core.nats.streams import DEAD_LETTERS_STREAM
from tests.chaos.load import Load
from tests.live import LiveService
from tests.messages import connected
from tests.polling import until

SETTLING_LIMIT = 60.0
"""Seconds in which everything under way has to come to its end."""


async def check_that_nothing_is_lost(
    service: LiveService,
    load: Load,
    *,
    dead_letters: int = 0,
) -> None:
    """Wait until nothing is under way, then compare.

    All that was acknowledged is stored. Each stored example was announced, in order and by nobody
    else, and each event was handled once. Each report that was promised is there. There are no
    other dead letters than so many.
    """
    database = await asyncpg.connect(service.settings.database_url_sync)
    try:
        stored = await _ids(database, "SELECT id FROM examples")
        changed = await _ids(database, "SELECT id FROM examples WHERE version > 1")
        _require(load.examples <= stored, "examples are lost", load.examples - stored)
        _require(load.changed <= changed, "changes are lost", load.changed - changed)
        await until(lambda: _outbox_is_empty(database), within=SETTLING_LIMIT)
        announced = await _announced(service)
        created = [example for example, action in announced if action == "created"]
        updated = [example for example, action in announced if action == "updated"]
        _require(set(created) == stored, "not announced, or not there", stored ^ set(created))
        _require(set(updated) == changed, "not announced, or not there", changed ^ set(updated))
        first = dict(reversed(announced))
        _require(set(first.values()) <= {"created"}, "announced in the wrong order", first)

        expected = Counter(dict.fromkeys(((each, "created") for each in stored), 1))
        expected.update((each, "updated") for each in changed)

        async def all_is_handled() -> bool:
            return not expected - await _handled(database) and not load.reports - await _ids(
                database, "SELECT example_id FROM example_reports"
            )

        try:
            await until(all_is_handled, within=SETTLING_LIMIT)
        except AssertionError:
            reports = await _ids(database, "SELECT example_id FROM example_reports")
            _require(load.reports <= reports, "reports were not made", load.reports - reports)
            missing = expected - await _handled(database)
            _require(not missing, "events were not handled", set(missing))
        twice = await _handled(database) - expected
        _require(not twice, "events were handled twice", set(twice))
    finally:
        await database.close()
    await _require_dead_letters(service, dead_letters)
    async with httpx2.AsyncClient(base_url=service.url) as client:
        for path in load.files:
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, path.split("/")[4])


def _require(is_so: bool, message: str, which: object) -> None:
    """Fail with a message that names some, not thousands."""
    found = list(which) if isinstance(which, set | dict) else [which]
    assert is_so, f"{len(found)} {message}: {', '.join(map(str, found[:3]))} …"


async def _ids(database: asyncpg.Connection, query: str) -> set[str]:
    return {str(row[0]) for row in await database.fetch(query)}


async def _outbox_is_empty(database: asyncpg.Connection) -> bool:
    return not await database.fetchval("SELECT EXISTS (SELECT FROM outbox)")


async def _handled(database: asyncpg.Connection) -> Counter[tuple[str, str]]:
    rows = await database.fetch("SELECT example_id, action FROM example_activity")
    return Counter((str(row["example_id"]), row["action"]) for row in rows)


async def _announced(service: LiveService) -> list[tuple[str, str]]:
    """Return what the stream holds of examples, in its order: ids, and what happened to them."""
    found: list[tuple[str, str]] = []
    async with connected(service.settings) as nats:
        state = (await nats.js.stream_info(EVENTS_STREAM)).state
        events = await nats.js.subscribe(
            "events.example.>",
            ordered_consumer=True,
            deliver_policy=DeliverPolicy.ALL,
        )
        while len(found) < state.messages:
            message = await events.next_msg(timeout=SETTLING_LIMIT)
            example = (message.headers or {}).get(AGGREGATE_ID_HEADER, "")
            found.append((example, message.subject.rpartition(".")[2]))
        await events.unsubscribe()
    return [each for each in found if each[0]]  # the others are no events of this service


async def _require_dead_letters(service: LiveService, number: int) -> None:
    async with connected(service.settings) as nats:
        found = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).state.messages
    assert found == number, f"{found} messages became dead letters, not {number}"

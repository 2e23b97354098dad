"""Requests, events and tasks that nobody can have meant."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psutil

from app.common.security import create_access_token
from app.core.nats.streams import DEAD_LETTERS_STREAM
from app.core.tasks.streams import TASKS_SUBJECT
from app.events.subjects import EXAMPLE_CREATED
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import EXAMPLES, Load, some_of_each
from tests.live import LiveService
from tests.messages import connected
from tests.polling import until

REQUESTS, CONNECTIONS, EVENTS, TASKS = 4000, 1000, 2500, 2500
AT_ONCE = 20
GROWTH = 24e6
"""Bytes by which a process may grow; each of these messages kept would be more."""

NOBODY = str(uuid4())
JSON = {"Content-Type": "application/json"}
MALFORMED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", EXAMPLES, {"content": b"", "headers": JSON}),
    ("POST", EXAMPLES, {"content": b'{"name": ', "headers": JSON}),
    ("POST", EXAMPLES, {"content": b"\xff\xfe\x00", "headers": JSON}),
    ("POST", EXAMPLES, {"content": b"[" * 50_000, "headers": JSON}),
    ("POST", EXAMPLES, {"content": b'{"name": "\\ud800"}', "headers": JSON}),
    ("POST", EXAMPLES, {"content": b'{"name": "a\\u0000"}', "headers": JSON}),
    ("POST", EXAMPLES, {"content": b'{"name": "a", "quantity": 1e999}', "headers": JSON}),
    ("POST", EXAMPLES, {"content": b'{"name": "a", "quantity": ' + b"9" * 5000 + b"}"}),
    ("POST", EXAMPLES, {"json": {"name": "x" * 100_000}}),
    ("POST", EXAMPLES, {"json": {"name": ["a"], "status": {}, "quantity": "many"}}),
    ("POST", EXAMPLES, {"json": {"name": "a", "nobody": "knows"}}),
    ("POST", EXAMPLES, {"content": b"name=a", "headers": {"Content-Type": "text/;;"}}),
    ("POST", EXAMPLES, {"content": b"x" * 1_100_000, "headers": JSON}),
    ("PATCH", f"{EXAMPLES}/{NOBODY}", {"json": {}}),
    ("PATCH", f"{EXAMPLES}/{NOBODY}", {"json": {"quantity": 1}, "headers": {"If-Match": 'W/"}{'}}),
    ("PATCH", f"{EXAMPLES}/%00", {"json": {"quantity": 1}}),
    ("DELETE", f"{EXAMPLES}/{NOBODY}", {}),
    ("GET", EXAMPLES, {"params": {"limit": "-1", "offset": "9" * 30}}),
    ("GET", EXAMPLES, {"params": {"after": "%%%", "sort": "'; --"}}),
    ("GET", EXAMPLES, {"params": {"after": "eyJhIjogMX0", "q": "\x00"}}),
    ("GET", f"{EXAMPLES}/{NOBODY}/report", {}),
    ("GET", f"{EXAMPLES}/../../etc/passwd", {}),
    ("POST", f"{EXAMPLES}/{NOBODY}/attachments", {"content": b"--", "headers": JSON}),
    (
        "POST",
        f"{EXAMPLES}/{NOBODY}/attachments",
        {"content": b"--b\r\n\x00", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
    ),
    ("TRACE", EXAMPLES, {}),
    ("PUT", "/%ff%fe", {"content": b"\x00" * 1000}),
    ("GET", EXAMPLES, {"headers": {"Authorization": "Bearer a.b.c"}, "params": {"limit": "x"}}),
    ("POST", EXAMPLES, {"json": {"name": "a"}, "headers": {"Authorization": b"Bearer \xff"}}),
]
PAYLOADS = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"[" * 5000,
    b"null",
    b'{"event_id": "x"}',
    json.dumps({"event_id": NOBODY, "example_id": NOBODY, "name": 1, "version": {}}).encode(),
    json.dumps({"task_name": "nobody.knows.it", "task_id": "1", "labels": {}}).encode(),
    json.dumps(
        {
            "task_id": "1",
            "task_name": "nobody.knows.it",
            "labels": {"timeout": "soon"},
            "args": [],
            "kwargs": {},
        }
    ).encode(),
    b"x" * 20_000,
]


async def test_ten_thousand_malformed_messages_change_nothing_for_the_others(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with live_service() as service:
        processes = [
            psutil.Process(each.pid) for each in (service.api, service.background["worker"])
        ]
        async with Load(service, callers=4) as load:
            await some_of_each(load)
            await send_all(service, 0.2)
            before = [process.memory_info().rss for process in processes]
            await send_all(service, 0.8)
            await some_of_each(load)
        after = [process.memory_info().rss for process in processes]
        assert load.statuses() <= {200, 201, 202}, load.answers
        assert not load.broken
        grown = [now - then for now, then in zip(after, before, strict=True)]
        assert max(grown) < GROWTH, grown
        await check_that_nothing_is_lost(service, load, dead_letters=EVENTS + TASKS)


async def send_all(service: LiveService, part: float) -> None:
    """Send so much of everything, side by side, and wait until the worker has put it aside."""
    async with connected(service.settings) as nats:
        before = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).state.messages

        async def send(subject: str, number: int) -> None:
            for payload in islice(cycle(PAYLOADS), number):
                await nats.js.publish_async(subject, payload)

        await asyncio.gather(
            request(service, int(part * REQUESTS)),
            talk_nonsense(service, int(part * CONNECTIONS)),
            send(EXAMPLE_CREATED, int(part * EVENTS)),
            send(TASKS_SUBJECT, int(part * TASKS)),
        )

        async def are_put_aside() -> bool:
            state = (await nats.js.stream_info(DEAD_LETTERS_STREAM)).state
            return state.messages == before + int(part * EVENTS) + int(part * TASKS)

        await until(are_put_aside, within=120)


async def request(service: LiveService, number: int) -> None:
    """Make malformed requests; each is answered with a 4xx and the envelope."""
    left: Iterator[tuple[str, str, dict[str, Any]]] = islice(cycle(MALFORMED), number)
    token = create_access_token(service.settings, "chaos")

    async def call(client: httpx2.AsyncClient) -> None:
        for method, path, content in left:
            headers = {"Authorization": f"Bearer {token}", **content.get("headers", {})}
            answer = await client.request(method, path, **{**content, "headers": headers})
            assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
            assert method == "TRACE" or answer.json()["code"] == answer.status_code

    async with httpx2.AsyncClient(base_url=service.url, timeout=60) as client:
        await asyncio.gather(*(call(client) for _ in range(AT_ONCE // 2)))


async def talk_nonsense(service: LiveService, number: int) -> None:
    """Connect and send what is no HTTP; the answer is a 400, or the end."""
    address = urlsplit(service.url)
    chance = random.Random(0)  # noqa: S311 (the same bytes each time)
    left = iter(range(number))

    async def talk() -> None:
        for _ in left:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(chance.randbytes(200) + b"\r\n\r\n")
            writer.write_eof()
            try:
                said = await asyncio.wait_for(reader.read(), 60)
            except ConnectionError:
                said = b""
            assert said == b"" or said.startswith(b"HTTP/1.1 400"), said
            writer.close()

    await asyncio.gather(*(talk() for _ in range(AT_ONCE)))

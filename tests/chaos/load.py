"""Callers of the API, who note what it has acknowledged."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Self
from uuid import uuid4

import httpx2

from app.common.security import create_access_token
from tests.live import LiveService
from tests.polling import until

CALLERS = 8
EXAMPLES = "/api/v1/examples"
KINDS = frozenset({"create", "change", "report", "list", "attach", "alive"})
ANSWER_LIMIT = 30.0
"""Seconds in which each request has to be answered by default, whatever is broken."""

SOME = 5
"""Requests of a kind."""

PAUSE = 0.05
"""Seconds that a caller waits after a failure."""


class Load:
    """Callers on connections that they keep; used as a context manager.

    Each stores an example, changes it, asks for a report on it, and lists examples. One of them
    attaches files, one makes a connection for each request, and one asks whether the API is alive.
    When it ends, every request has been answered or has failed.

    Attributes:
        examples: ids of the examples that were acknowledged.
        changed: those whose change was acknowledged.
        reports: those on which a report was promised.
        files: the paths of files that were acknowledged.
        answers: how many there were of each kind of request and status.
        refusals: the answers that were no success.
        broken: how many requests had no answer, by the exception's name.
        waiting: a mark for each request that waits for its answer.
    """

    def __init__(
        self,
        service: LiveService,
        *,
        token: str | None = None,
        callers: int = CALLERS,
        within: float = ANSWER_LIMIT,
    ) -> None:
        self.examples: set[str] = set()
        self.changed: set[str] = set()
        self.reports: set[str] = set()
        self.files: set[str] = set()
        self.answers: Counter[tuple[str, int]] = Counter()
        self.refusals: list[httpx2.Response] = []
        self.broken: Counter[str] = Counter()
        self.waiting: set[object] = set()
        self._url = service.url
        token = token or create_access_token(service.settings, "chaos")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._callers = callers
        self._within = within
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        kinds = [self._attach, self._list_anew, self._live, *[self._write] * (self._callers - 3)]
        self._calling = [asyncio.create_task(self._call(kind)) for kind in kinds]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._calling)

    async def all_are_answered(self) -> None:
        """Wait until those are answered, or have failed, who wait now."""
        waiting = self.waiting.copy()

        async def are_answered() -> bool:
            return not waiting & self.waiting

        await until(are_answered, within=2 * ANSWER_LIMIT)

    def succeeded(self, kind: str) -> int:
        """Return how many requests of a kind were acknowledged."""
        return sum(n for (each, status), n in self.answers.items() if each == kind and status < 300)

    def require_only_clear_refusals(self) -> None:
        """Fail unless all that was no success was a 503 that says why and when to come again."""
        for refusal in self.refusals:
            said = refusal.json()
            assert refusal.status_code == said["code"] == 503, (refusal.request.url, said)
            assert said["error"].endswith("unavailable"), said
            assert said["message"]
            assert int(refusal.headers["Retry-After"]) > 0

    def statuses(self) -> set[int]:
        """Return every status that was answered."""
        return {status for _, status in self.answers}

    async def _call(self, work: Callable[[httpx2.AsyncClient], Awaitable[None]]) -> None:
        async with httpx2.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=self._within,
        ) as client:
            while not self._stop.is_set():
                await work(client)

    async def _create(self, client: httpx2.AsyncClient) -> str | None:
        """Return the id of a new example if it is acknowledged."""
        answer = await self._ask(client, "create", "POST", EXAMPLES, json={"name": uuid4().hex})
        if answer is None:
            return None
        example = str(answer.json()["data"]["id"])
        self.examples.add(example)
        return example

    async def _write(self, client: httpx2.AsyncClient) -> None:
        example = await self._create(client)
        if example is None:
            return
        if await self._ask(
            client, "change", "PATCH", f"{EXAMPLES}/{example}", json={"quantity": 1}
        ):
            self.changed.add(example)
        if await self._ask(client, "report", "POST", f"{EXAMPLES}/{example}/report"):
            self.reports.add(example)
        await self._ask(client, "list", "GET", EXAMPLES)

    async def _attach(self, client: httpx2.AsyncClient) -> None:
        example = await self._create(client)
        if example is None:
            return
        file = ("name.txt", example.encode(), "text/plain")
        answer = await self._ask(
            client, "attach", "POST", f"{EXAMPLES}/{example}/attachments", files={"file": file}
        )
        if answer:
            self.files.add(answer.headers["Location"])

    async def _list_anew(self, client: httpx2.AsyncClient) -> None:
        await self._ask(client, "list", "GET", EXAMPLES, headers={"Connection": "close"})

    async def _live(self, client: httpx2.AsyncClient) -> None:
        await self._ask(client, "alive", "GET", "/health/live")
        await asyncio.sleep(PAUSE)

    async def _ask(
        self,
        client: httpx2.AsyncClient,
        kind: str,
        method: str,
        path: str,
        **content: Any,
    ) -> httpx2.Response | None:
        """Return the answer if it is a success."""
        mark = object()
        self.waiting.add(mark)
        try:
            answer = await client.request(method, path, **content)
        except httpx2.TransportError as error:
            self.broken[type(error).__name__] += 1
            await asyncio.sleep(PAUSE)
            return None
        finally:
            self.waiting.discard(mark)
        self.answers[kind, answer.status_code] += 1
        if answer.is_success:
            return answer
        self.refusals.append(answer)
        await asyncio.sleep(PAUSE)
        return None


async def some_of_each(load: Load, kinds: Collection[str] = KINDS) -> None:
    """Wait until more requests of these kinds were acknowledged."""
    before = {kind: load.succeeded(kind) for kind in kinds}

    async def are_there() -> bool:
        return all(load.succeeded(kind) >= before[kind] + SOME for kind in kinds)

    await until(are_there, within=2 * ANSWER_LIMIT)

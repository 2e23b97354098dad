"""Servers and programs of the service that are killed under load, and come back."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import KINDS, Load, some_of_each
from tests.chaos.work import working
from tests.live import LiveService
from tests.polling import until

LiveServices = Callable[..., AbstractAsyncContextManager[LiveService]]
SOON = {"EVENT_ACK_WAIT": 2, "TASK_ACK_WAIT": 2}
"""Seconds after which what was lost with a connection or a program comes again."""

PATIENCE = 30.0
SERVERS = {
    # what readiness calls it, and which requests go on without it
    "postgres": ("database", frozenset({"alive"})),
    "nats": ("nats", KINDS),
    "s3": ("storage", KINDS - {"attach"}),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_nothing_that_was_acknowledged_is_lost_with_a_server(
    name: str,
    live_service: LiveServices,
) -> None:
    resource, served = SERVERS[name]
    async with live_service(**SOON) as service:
        server = getattr(service.servers, name)
        async with Load(service) as load:
            await some_of_each(load)
            await server.kill()
            await until(lambda: says(service, 503, resource, "down"), within=PATIENCE)
            before = load.answers.copy()
            await some_of_each(load, served)
            if served != KINDS:
                await until(lambda: has_refused(load), within=PATIENCE)
            refused = {kind for kind, status in load.answers - before if status >= 300}
            await server.start()
            await until(lambda: says(service, 200, resource, "up"), within=PATIENCE)
            await some_of_each(load)
        assert not refused & served
        load.require_only_clear_refusals()
        assert not load.broken
        await check_that_nothing_is_lost(service, load)


async def test_nothing_that_was_acknowledged_is_lost_with_the_api(
    live_service: LiveServices,
) -> None:
    async with live_service(**SOON) as service:
        async with Load(service) as load:
            await some_of_each(load)
            await service.api.kill()
            await service.api.start()
            await some_of_each(load)
        assert load.statuses() <= {200, 201, 202}, load.answers
        await check_that_nothing_is_lost(service, load)


async def test_nothing_that_was_acknowledged_is_lost_with_the_worker(
    live_service: LiveServices,
) -> None:
    async with live_service(**SOON) as service, working(service) as work:
        tasks = [str(number) for number in range(100)]
        async with Load(service) as load:
            await some_of_each(load)
            await work.send(tasks)

            async def some_run() -> bool:
                return any(not run.ended for run in await work.runs())

            async def are_done() -> bool:
                return {run.task for run in await work.runs() if run.ended} == {*tasks}

            await until(some_run, within=PATIENCE)
            await service.background["worker"].kill()
            assert await some_run(), "none was killed"
            await service.background["worker"].start()
            await some_of_each(load)
            try:
                await until(are_done, within=PATIENCE)
            except AssertionError:
                lost = {*tasks} - {run.task for run in await work.runs() if run.ended}
                pytest.fail(f"{len(lost)} of {len(tasks)} tasks were not done")
        assert load.statuses() <= {200, 201, 202}, load.answers
        assert not load.broken
        await check_that_nothing_is_lost(service, load)


async def has_refused(load: Load) -> bool:
    return 503 in load.statuses()


async def says(service: LiveService, status: int, resource: str, word: str) -> bool:
    """Return whether readiness has this status, and says this word of a resource."""
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"{service.url}/health/ready", timeout=PATIENCE)
    return (answer.status_code, answer.json()["resources"][resource]["status"]) == (status, word)

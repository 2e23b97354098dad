"""Servers that become slow or stop answering, without going away."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import psutil
import pytest

from devstack.process import HOST
from devstack.stack import Stack
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import KINDS, Load, some_of_each
from tests.chaos.slow import Way, way_to
from tests.chaos.test_killed import says
from tests.live import LiveService
from tests.polling import until

LiveServices = Callable[..., AbstractAsyncContextManager[LiveService]]

LIMITS = {
    "DB_POOL_SIZE": 4,
    "DB_MAX_OVERFLOW": 0,
    "DB_POOL_TIMEOUT": 1,
    "DB_CONNECT_TIMEOUT": 1,
    "DB_STATEMENT_TIMEOUT": 1,
    "S3_CONNECT_TIMEOUT": 1,
    "S3_READ_TIMEOUT": 1,
    "HEALTH_TIMEOUT": 1,
    "EVENT_ACK_WAIT": 2,
    "TASK_ACK_WAIT": 2,
}
ANSWERED_WITHIN = 10.0
"""Seconds in which the limits above end every request, also on a busy machine."""

DELAY = 0.02


@asynccontextmanager
async def service_by_way(
    name: str,
    live_servers: Stack,
    live_service: LiveServices,
) -> AsyncIterator[tuple[LiveService, Way]]:
    """Run a service that reaches the server of this name by a way that can be made slow."""
    async with way_to(getattr(live_servers, name).port) as way:
        settings = {
            "postgres": {"DATABASE_URL": f"postgresql://postgres@{HOST}:{way.port}/by_slow_way"},
            "nats": {"NATS_URL": f"nats://{HOST}:{way.port}"},
            "s3": {"S3_ENDPOINT": f"http://{HOST}:{way.port}"},
        }
        async with live_service(**LIMITS, **settings[name]) as service:
            yield service, way


@pytest.mark.parametrize(
    ("name", "resource", "served"),
    [
        ("postgres", "database", frozenset({"alive"})),
        ("nats", "nats", KINDS),
        ("s3", "storage", KINDS - {"attach"}),
    ],
)
async def test_an_unresponsive_server_only_delays_requests_that_need_it(
    name: str,
    resource: str,
    served: frozenset[str],
    live_servers: Stack,
    live_service: LiveServices,
) -> None:
    async with service_by_way(name, live_servers, live_service) as (service, way):
        api = psutil.Process(service.api.pid)
        async with Load(service, callers=8, within=ANSWERED_WITHIN) as load:
            way.delay = DELAY
            await some_of_each(load)
            way.delay = 0
            await some_of_each(load)
            assert load.statuses() <= {200, 201, 202}, load.answers
            before = api.num_fds()

            way.flows.clear()
            await until(partial(says, service, 503, resource, "down"), within=30)
            answered = load.answers.copy()
            for _ in range(2):
                await load.all_are_answered()
            await some_of_each(load, served)
            refused = {kind for kind, status in load.answers - answered if status >= 300}

            way.flows.set()
            await until(partial(says, service, 200, resource, "up"), within=30)
            await some_of_each(load)

            async def nothing_has_piled_up() -> bool:
                return api.num_fds() <= before + LIMITS["DB_POOL_SIZE"]

            await until(nothing_has_piled_up, within=30)
        assert not refused & served, refused
        load.require_only_clear_refusals()
        assert not load.broken, "a request was not answered in time"
        await check_that_nothing_is_lost(service, load)

"""SIGTERM under load: what was accepted is finished, by programs that leave in time."""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from app.server import SHUTDOWN_LIMIT
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import Load, some_of_each
from tests.chaos.work import working
from tests.live import LiveService
from tests.polling import until

LiveServices = Callable[..., AbstractAsyncContextManager[LiveService]]

CONNECTION_REFUSED = "ConnectError"
"""How a request fails that nobody has accepted."""


async def test_no_request_that_was_accepted_is_cut_when_the_api_ends(
    live_service: LiveServices,
) -> None:
    async with live_service() as service:
        async with Load(service, callers=12) as load:
            for _ in range(2):
                await some_of_each(load)
                began = time.monotonic()
                await service.api.stop()
                assert time.monotonic() - began < SHUTDOWN_LIMIT
                assert service.api.returncode == -signal.SIGTERM
                await service.api.start()
            await some_of_each(load)
        assert load.statuses() <= {200, 201, 202}, load.answers
        assert load.broken.keys() <= {CONNECTION_REFUSED}, load.broken
        await check_that_nothing_is_lost(service, load)


async def test_a_task_that_has_begun_ends_before_its_worker_does(
    live_service: LiveServices,
) -> None:
    async with live_service() as service, working(service) as work:
        tasks: list[str] = []
        async with Load(service, callers=3) as load:

            async def some_run() -> bool:
                return any(not run.ended for run in await work.runs())

            async def all_have_run() -> bool:
                return len({run.task for run in await work.runs()}) == len(tasks)

            for name in ("first", "second"):
                some = [f"{name} {number}" for number in range(150)]
                tasks += some
                await work.send(some)
                await until(some_run, within=60)
                await service.background["worker"].stop()
                assert service.background["worker"].returncode == 0
                runs = await work.runs()
                assert all(run.ended for run in runs), "a task is half done"
                await service.background["worker"].start()
            await until(all_have_run, within=60)
        runs = await work.runs()
        assert sorted(run.task for run in runs) == sorted(tasks), "a task ran twice"
        assert load.statuses() <= {200, 201, 202}, load.answers
        assert not load.broken
        await check_that_nothing_is_lost(service, load)

"""A task that ends its worker, whichever that is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from tests.chaos.work import working
from tests.live import LiveService
from tests.messages import stored
from tests.polling import until


@asynccontextmanager
async def restarted(service: LiveService) -> AsyncIterator[None]:
    """Start the worker again whenever it ends, as a container engine does."""

    async def restart() -> None:
        while True:
            if not service.background["worker"].running:
                await service.background["worker"].start()
            await asyncio.sleep(0.05)

    restarting = asyncio.create_task(restart())
    try:
        yield
    finally:
        restarting.cancel()
        await asyncio.gather(restarting, return_exceptions=True)


async def test_a_task_that_crashes_workers_becomes_a_dead_letter_alone(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with (
        live_service(TASK_MAX_DELIVERIES=4, TASK_ACK_WAIT=0.5) as service,
        working(service) as work,
        restarted(service),
    ):
        before = [f"before {number}" for number in range(20)]
        after = [f"after {number}" for number in range(20)]
        await work.send(before)
        await work.send_what_ends_the_worker()
        await work.send(after)

        async def all_are_done() -> bool:
            return {run.task for run in await work.runs() if run.ended} == {*before, *after}

        async def dead_letters() -> list[str]:
            letters = await stored(work.nats, DEAD_LETTERS_STREAM, dead_letter_subject("tasks"))
            return [(letter.headers or {})["Dead-Letter-Reason"] for letter in letters]

        reasons = await until(dead_letters, within=60)
        await until(all_are_done, within=60)
        assert await dead_letters() == reasons
        assert reasons == ["It was delivered too often, and no worker finished it."]

        async def none_is_left() -> bool:
            stream = await work.nats.js.stream_info(service.settings.NATS_STREAM)
            return stream.state.messages == 0

        await until(none_is_left)

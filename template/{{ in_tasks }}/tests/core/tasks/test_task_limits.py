"""What the settings allow tasks, where a task itself says nothing."""

import asyncio
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.tasks.broker import CustomJetStreamBroker
from tests.messages import connected, dead_letter, running


async def test_a_task_ends_at_the_timeout_of_the_settings(settings: Settings) -> None:
    few = {"TASK_TIMEOUT": 0.1, "TASK_MAX_DELIVERIES": 1}
    async with connected(settings.model_copy(update=few)) as nats:
        broker = CustomJetStreamBroker()
        await broker.open(nats)

        @broker.task
        async def hang(word: str) -> None:
            await asyncio.Event().wait()

        word = uuid4().hex
        async with running(broker.work):
            await hang.kiq(word)
            headers = await dead_letter(nats, "tasks", word.encode())
    assert headers["Dead-Letter-Reason"].startswith("TimeoutError")


@pytest.mark.parametrize("most", [1, 2])
async def test_a_worker_runs_no_more_tasks_at_once_than_it_may(
    settings: Settings, most: int
) -> None:
    running_now, seen, left = 0, 0, 6
    done = asyncio.Event()
    async with connected(settings.model_copy(update={"TASK_CONCURRENCY": most})) as nats:
        broker = CustomJetStreamBroker()
        await broker.open(nats)

        @broker.task
        async def work() -> None:
            nonlocal running_now, seen, left
            running_now += 1
            seen = max(seen, running_now)
            await asyncio.sleep(0.05)  # in which another could begin
            running_now -= 1
            left -= 1
            if not left:
                done.set()

        for _ in range(left):
            await work.kiq()
        async with running(broker.work), asyncio.timeout(30):
            await done.wait()
    assert seen == most

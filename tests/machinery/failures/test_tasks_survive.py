"""Tasks, and the end of the workers that run them."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from app.core.tasks.broker import CustomJetStreamBroker
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import Program
from tests.machinery.failures.slow_task import become_worker, hang, wait_for_file
from tests.messages import connected
from tests.polling import until


async def test_the_task_of_a_killed_worker_runs_in_another_which_then_ends_though_one_hangs(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
) -> None:
    awaited, log, hanging = tmp_path / "awaited", tmp_path / "log", tmp_path / "hanging"

    async def words() -> list[str]:
        return log.read_text().split() if log.exists() else []

    async with (
        live_service(api=False, background=False, TASK_ACK_WAIT=0.5) as service,
        connected(service.settings) as nats,
    ):
        broker = CustomJetStreamBroker()
        await broker.open(nats)
        task = wait_for_file.kicker().with_broker(broker)
        environment = environment_of(service.settings)
        one, other = (
            Program(
                ["worker"],
                environment,
                tmp_path / name,
                "The worker is ready",
                become=become_worker,
            )
            for name in ("one", "other")
        )
        await asyncio.gather(one.start(), other.start())
        try:
            await task.kiq(awaited, log)
            _, pid = await until(words)
            killed, left = (one, other) if one.pid == int(pid) else (other, one)
            await killed.kill()

            async def begun_again() -> bool:
                return await words() == ["begin", pid, "begin", str(left.pid)]

            async def hangs() -> bool:
                return hanging.exists()

            await until(begun_again)
            await hang.kicker().with_broker(broker).kiq(hanging)
            await until(hangs)
            left.send_signal(signal.SIGTERM)

            async def is_ending() -> bool:
                return "The worker is stopping" in left.log.read_text()

            await until(is_ending)
            await task.kiq(awaited, log)
            awaited.touch()

            async def has_ended() -> bool:
                return not left.running

            await until(has_ended)
        finally:
            await one.kill()
            await other.kill()
        assert left.returncode == 0
        assert (await words())[4:] == ["end", str(left.pid)]
        stream = await nats.js.stream_info(service.settings.NATS_STREAM)
        assert stream.state.messages == 1, "what came after SIGTERM is there for the next worker"

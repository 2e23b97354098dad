"""The limit of tasks: TaskIQ with its own broker for JetStream, and nothing around them.

It has no dead letters and no heartbeats, and a task that fails is gone. Run, it is the worker.
"""

import asyncio
import os
import signal
import sys

from taskiq.receiver import Receiver
from taskiq.serializers import ORJSONSerializer
from taskiq_nats import PullBasedJetStreamBroker

STREAM = "LIMIT"
CONSUMER = "limit"
AT_ONCE = 50  # as TASK_CONCURRENCY of the service


def make_broker(servers: list[str]) -> PullBasedJetStreamBroker:
    """Return a broker that has one task, `do_nothing`."""
    broker = PullBasedJetStreamBroker(
        servers,
        subject="limit.tasks",
        stream_name=STREAM,
        durable=CONSUMER,
        pull_consume_batch=AT_ONCE,
    )
    broker.serializer = ORJSONSerializer()

    @broker.task("do_nothing")
    async def do_nothing(number: int) -> None:
        """Do nothing."""

    return broker


async def work() -> None:
    """Run tasks until SIGTERM."""
    broker = make_broker(os.environ["NATS_URL"].split(","))
    broker.is_worker_process = True
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await broker.startup()
    await Receiver(broker, max_async_tasks=AT_ONCE, run_startup=False).listen(stop)
    await broker.shutdown()


if __name__ == "__main__":
    if sys.platform == "win32":
        asyncio.run(work())
    else:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())

"""The service with a feature of tests alone: a request that causes all that one can cause."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app import http_server
from app.api import api_router
from app.core.broker import tasks_broker
from app.core.config import SERVICE_NAME, Settings
from app.core.tasks.sender import TaskSenderDep
from app.observability import tracing
from tests.live_program import run_command

# The spans of such a request, the last one first.
CHAIN = [
    "process finish",
    "send finish",
    "POST /api/v1/traced/{number}",
]
# What counts it in the worker.
WORK = {"task_duration_seconds_count done finish"}


def pending_messages(settings: Settings) -> set[str]:
    """Return the consumers, and their streams, whose waiting messages the worker counts."""
    return {f"{SERVICE_NAME} {settings.NATS_STREAM}"}


def become_traced(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Become the API or the worker of a service that has this feature, and ends sooner."""
    tracing.FLUSH_LIMIT = http_server.LAST_REQUEST_TIME = 0.2

    @tasks_broker.task("finish")
    async def finish() -> None:
        """Do what comes last."""

    @api_router.post("/traced/{number}")
    async def trace(number: int, tasks: TaskSenderDep) -> None:
        await tasks.send(finish)

    run_command(arguments, environment, log)

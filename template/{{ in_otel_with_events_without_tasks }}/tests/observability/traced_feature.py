"""The service with a feature of tests alone: a request that causes all that one can cause."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from app import http_server
from app.api import api_router
from app.core.broker import events_broker
from app.core.config import SERVICE_NAME, Settings
from app.events.publisher import EventPublisherDep
from app.events.schemas import BaseEvent
from app.observability import tracing
from tests.live_program import run_command

# The spans of such a request, the last one first.
CHAIN = [
    "process events.test.traced",
    "send events.test.traced",
    "POST /api/v1/traced/{number}",
]
# What counts it in the worker.
WORK = {"event_handling_duration_seconds_count go_on done"}


def pending_messages(_: Settings) -> set[str]:
    """Return the consumers, and their streams, whose waiting messages the worker counts."""
    return {f"{SERVICE_NAME}-go_on EVENTS"}


class Traced(BaseEvent):
    """The request of a test came."""

    subject: ClassVar[str] = "events.test.traced"


def become_traced(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Become the API or the worker of a service that has this feature, and ends sooner."""
    tracing.FLUSH_LIMIT = http_server.LAST_REQUEST_TIME = 0.2

    @events_broker.task(Traced)
    async def go_on(_: Traced) -> None:
        """Do what comes last."""

    @api_router.post("/traced/{number}")
    async def trace(number: int, events: EventPublisherDep) -> None:
        await events.publish(Traced())

    run_command(arguments, environment, log)

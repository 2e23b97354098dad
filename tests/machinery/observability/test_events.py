"""How the handling of events is measured."""

from contextlib import nullcontext

import pytest
from prometheus_client import REGISTRY

from app.core.errors import ServiceUnavailable
from app.core.nats.event_broker import EventHandler
from app.events.schemas import BaseEvent
from app.observability.events import observed


class Observed(BaseEvent):
    """Something that is handled in a test."""

    subject = "events.test.observed"


def counted(outcome: str) -> float:
    labels = {"handler": "handler of a test", "outcome": outcome}
    return REGISTRY.get_sample_value("event_handling_duration_seconds_count", labels) or 0


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [(None, "done"), (ValueError(), "failed"), (ServiceUnavailable(), "deferred")],
)
async def test_each_attempt_is_counted_by_how_it_ended(
    failure: Exception | None,
    outcome: str,
) -> None:
    async def handle(_: EventHandler, __: BaseEvent) -> None:
        if failure:
            raise failure

    async def nothing(_: BaseEvent) -> None:
        pass

    handler = EventHandler("handler of a test", Observed.subject, Observed, nothing)
    before = counted(outcome)
    with pytest.raises(type(failure)) if failure else nullcontext():
        await observed(handle)(handler, Observed())
    assert counted(outcome) == before + 1

"""How tasks are measured."""

import pytest
from prometheus_client import REGISTRY
from taskiq import TaskiqMessage, TaskiqResult
from taskiq.exceptions import NoResultError

from app.core.errors import ServiceUnavailable
from app.observability.tasks import TaskTelemetry


def counted(outcome: str) -> float:
    labels = {"task": "task of a test", "outcome": outcome}
    return REGISTRY.get_sample_value("task_duration_seconds_count", labels) or 0


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "done"),
        (NoResultError(), "done"),
        (ValueError(), "failed"),
        (ServiceUnavailable(), "deferred"),
    ],
)
def test_each_attempt_is_counted_by_how_it_ended(failure: Exception | None, outcome: str) -> None:
    telemetry = TaskTelemetry()
    message = TaskiqMessage(
        task_id="1",
        task_name="task of a test",
        labels={},
        args=[],
        kwargs={},
    )
    result = TaskiqResult[None](
        is_err=failure is not None,
        return_value=None,
        execution_time=0.1,
        error=failure,
    )
    before = counted(outcome)
    telemetry.post_execute(telemetry.pre_execute(message), result)
    assert counted(outcome) == before + 1

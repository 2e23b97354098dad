"""What the service's two programs show of themselves while they run."""

from app.core.config import SERVICE_NAME
from tests.observability.collector import ReceivedSpan
from tests.observability.observed import CALLER, Observed, observed
from tests.observability.traced_feature import CHAIN, WORK, pending_messages
from tests.polling import until

__all__ = ["observed"]


async def test_a_request_and_all_that_it_causes_in_both_programs_are_one_trace(
    observed: Observed,
) -> None:
    await observed.client.get("/health/ready")
    await observed.cause_all()

    async def spans() -> dict[str, ReceivedSpan]:
        found = {span.name: span for span in observed.of_the_trace()}
        return found if found.keys() >= set(CHAIN) else {}

    span = (await until(spans))[CHAIN[0]]  # each program sends its own when it likes
    by_id = {each.span_id: each for each in observed.of_the_trace()}
    causes = [span.name]
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        causes.append(span.name)

    assert causes == CHAIN
    assert span.parent_id == CALLER
    assert {each.service for each in by_id.values()} == {SERVICE_NAME}


async def test_what_was_done_is_measured_in_the_program_that_did_it(observed: Observed) -> None:
    before = await observed.measured(of_worker=True)
    for _ in range(3):
        await observed.cause_all()

    async def is_done() -> bool:
        after = await observed.measured(of_worker=True)
        return {after.get(name, 0) - before.get(name, 0) for name in WORK} == {3}

    await until(is_done)
    api, worker = await observed.measured(of_worker=False), await observed.measured(of_worker=True)
    assert api["http_server_request_duration_seconds_count POST 200 /api/v1/traced/{number}"] >= 3
    assert not WORK & api.keys()
    for program in (api, worker):
        assert any(name.startswith("python_info ") for name in program)
    assert worker["nats_dead_letters"] == 0
    pending = "nats_consumer_pending_messages"
    waiting = {name: value for name, value in worker.items() if name.startswith(pending)}
    assert set(waiting.values()) == {0}
    assert waiting.keys() >= {
        f"{pending} {name}" for name in pending_messages(observed.service.settings)
    }

"""What the service's two programs show of the database and the outbox while they run."""

from tests.observability.collector import ReceivedSpan
from tests.observability.observed import Observed, observed
from tests.polling import until

__all__ = ["observed"]

NEEDS = "app.core.outbox"


async def test_the_statement_that_fills_the_outbox_is_a_span_of_the_request(
    observed: Observed,
) -> None:
    await observed.cause_all()

    async def inserts() -> list[ReceivedSpan]:
        spans = observed.of_the_trace()
        requests = {span.span_id for span in spans if span.name.startswith("POST")}
        return [span for span in spans if span.name == "INSERT" and span.parent_id in requests]

    assert await until(inserts)


async def test_both_programs_count_their_database_connections(observed: Observed) -> None:
    await observed.cause_all()
    api, worker = await observed.measured(of_worker=False), await observed.measured(of_worker=True)
    for program in (api, worker):
        assert program["db_client_connection_count used"] <= program["db_client_connection_max"]
    assert api["db_client_connection_count idle"] >= 1


async def test_the_outbox_is_seen_to_fill_while_nats_is_away_and_to_empty_after(
    observed: Observed,
) -> None:
    async def waiting() -> float:
        return (await observed.measured(of_worker=True))["outbox_messages waiting"]

    async def nothing_waits() -> bool:
        return await waiting() == 0

    await until(nothing_waits)
    await observed.service.servers.nats.kill()
    for number in range(1, 4):
        await observed.cause_all()
        assert await waiting() == number
    away = await observed.measured(of_worker=True)
    assert away["outbox_oldest_message_age_seconds"] > 0
    assert "nats_dead_letters" not in away, "nobody can know"
    await observed.service.servers.nats.start()
    await until(nothing_waits)
    assert (await observed.measured(of_worker=True))["outbox_oldest_message_age_seconds"] == 0

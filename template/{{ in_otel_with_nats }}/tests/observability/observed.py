"""The running service that these tests look at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from devstack.process import HOST, free_port
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import LISTENS, Program
from tests.observability.collector import Collector, ReceivedSpan, collecting
from tests.observability.traced_feature import become_traced
from tests.polling import until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@dataclass(frozen=True, slots=True)
class Observed:
    """The running service, and what watches it."""

    service: LiveService
    collector: Collector
    api: Program
    worker: Program
    client: httpx2.AsyncClient

    async def cause_all(self) -> None:
        """Make a request that causes all that one can cause."""
        caller = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        answer = await self.client.post("/api/v1/traced/1", headers=caller)
        assert answer.status_code == 200, answer.text

    def of_the_trace(self) -> list[ReceivedSpan]:
        """Return the spans of it; the worker also handles what earlier tests have left."""
        return [span for span in self.collector.spans if span.trace_id == TRACE]

    async def measured(self, *, of_worker: bool) -> dict[str, float]:
        """Return the samples of a program, by their names and the values of their labels."""
        host = f"http://{HOST}:{self.service.settings.METRICS_PORT}" if of_worker else ""
        answer = await self.client.get(f"{host}/metrics")
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }


@pytest.fixture(scope="module")
async def observed(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Observed]:
    """The API and the worker, with the feature of these tests."""
    folder = tmp_path_factory.mktemp("observed")
    port = free_port()
    with collecting() as collector:
        async with (
            live_service(
                api=False,
                background=False,
                METRICS_PORT=free_port(),
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            ) as service,
            httpx2.AsyncClient(base_url=f"http://{HOST}:{port}") as client,
        ):
            environment = {
                **environment_of(service.settings),
                "OTEL_BSP_SCHEDULE_DELAY": "50",  # milliseconds until spans leave
                "OTEL_EXPORTER_OTLP_TIMEOUT": "60",  # seconds, which is longer than a test waits
            }
            api = Program(
                ["serve", "--host", HOST, "--port", str(port)],
                environment,
                folder / "api",
                LISTENS,
                become=become_traced,
            )
            worker = Program(
                ["worker"],
                environment,
                folder / "worker",
                "The worker is ready",
                become=become_traced,
            )
            observed = Observed(service, collector, api, worker, client)

            async def worker_is_measured() -> bool:
                with suppress(httpx2.TransportError):  # it listens a moment after it is ready
                    return bool(await observed.measured(of_worker=True))
                return False

            await asyncio.gather(api.start(), worker.start())
            try:
                await until(worker_is_measured)
                yield observed
            finally:
                await api.kill()
                await worker.kill()

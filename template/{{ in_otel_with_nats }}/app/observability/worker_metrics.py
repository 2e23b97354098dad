"""The worker's metrics on a port of their own, including its lag."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import nats.js.errors
from loguru import logger
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.core.broker import BROKERS
from app.core.config import Settings
from app.core.nats.connection import NatsConnection
from app.core.nats.streams import DEAD_LETTERS_STREAM

LIMIT: Final = 2
"""Timeout of asking one server for the lag, in seconds."""

Measure = Callable[[], Awaitable[list[Metric]]]

_measures: Final[list[Measure]] = []


def add_measure(measure: Measure) -> None:
    """Register `measure`: each scrape of the worker calls it and includes its metrics."""
    _measures.append(measure)


async def serve_metrics(connection: NatsConnection, stop: asyncio.Event) -> None:
    """Serve the metrics of this process until `stop` is set, if `METRICS_PORT` is set.

    A port that is in use is logged, and the worker runs without metrics.
    """
    async with worker_metrics(connection):
        await stop.wait()


@asynccontextmanager
async def worker_metrics(connection: NatsConnection) -> AsyncIterator[None]:
    """Serve the metrics of this process during the block."""
    settings = connection.settings
    if settings.METRICS_PORT is None:
        yield
        return
    host, port = settings.METRICS_HOST, settings.METRICS_PORT
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        logger.error("The metrics cannot be served on {}:{}: {}", host, port, error.strerror)
        yield
        return
    lag = LagCollector(connection)
    REGISTRY.register(lag)
    try:
        yield
    finally:
        REGISTRY.unregister(lag)
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


class LagCollector(Collector):
    """Collects the lag of this worker at each scrape.

    A metric is left out if its server does not respond in time: no value is better than an old one.
    """

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: otherwise the registry would collect, and block the event loop."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; called in a thread of the metrics server."""
        asked = asyncio.run_coroutine_threadsafe(self._collect(), self._loop)
        try:
            return asked.result(2 * LIMIT)
        except TimeoutError:  # the event loop is busy or closed
            asked.cancel()
            return []

    async def _collect(self) -> list[Metric]:
        found = await asyncio.gather(*map(_in_time, (self._streams, *_measures)))
        return [metric for metrics in found for metric in metrics]

    async def _streams(self) -> list[Metric]:
        if not self._connection.connected.is_set():
            return []
        js = self._connection.js
        pending = GaugeMetricFamily(
            "nats_consumer_pending_messages",
            "Messages not yet delivered to a consumer.",
            labels=["stream", "consumer"],
        )
        ack_pending = GaugeMetricFamily(
            "nats_consumer_ack_pending_messages",
            "Messages delivered to a consumer and not yet acknowledged.",
            labels=["stream", "consumer"],
        )
        for stream, consumer in _consumers(self._connection.settings):
            try:
                info = await js.consumer_info(stream, consumer)
            except nats.js.errors.NotFoundError:  # not created yet
                continue
            pending.add_metric([stream, consumer], info.num_pending or 0)
            ack_pending.add_metric([stream, consumer], info.num_ack_pending or 0)
        dead_letters = GaugeMetricFamily(
            "nats_dead_letters",
            "Dead letters: messages that could not be handled.",
            (await js.stream_info(DEAD_LETTERS_STREAM)).state.messages,
        )
        return [pending, ack_pending, dead_letters]


async def _in_time(measure: Measure) -> list[Metric]:
    try:
        async with asyncio.timeout(LIMIT):
            return await measure()
    except Exception as error:  # any error of a client whose server is unavailable
        logger.debug("A metric is left out: {!r}", error)
        return []


def _consumers(settings: Settings) -> list[tuple[str, str]]:
    """Return the stream and the name of each consumer of this service."""
    return [consumer for broker in BROKERS for consumer in broker.consumers(settings)]

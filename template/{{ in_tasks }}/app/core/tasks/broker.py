"""Tasks: TaskIQ on the service's own JetStream stream."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import nats.errors
from loguru import logger
from nats.aio.msg import Msg
from nats.js.api import Header, StreamConfig
from taskiq import AckableMessage, AsyncBroker, BrokerMessage, TaskiqMessage, TaskiqMiddleware
from taskiq.acks import AcknowledgeType
from taskiq.exceptions import NoResultError
from taskiq.receiver import Receiver
from taskiq.result import TaskiqResult
from taskiq.serializers import ORJSONSerializer
from taskiq_nats import PullBasedJetStreamBroker

from app.core.config import SERVICE_NAME, Settings
from app.core.errors import ServiceUnavailable
from app.core.nats.connection import NatsConnection, NatsUnavailable, OutgoingMessage
from app.core.nats.consumer import ack_heartbeat, consume, dead_letter, retry_delay
from app.core.nats.isolation import isolate_if_suspect
from app.core.nats.pull import Slots
from app.core.request_id import get_request_id, request_id_context
from app.core.tasks.streams import LATER_SUBJECT, TASKS_SUBJECT, tasks_consumer, tasks_stream

FIRST_RETRY_DELAY: Final = 1.0
"""Seconds; doubled with each attempt."""

THREADS: Final = "task"
"""Prefix of the names of threads in which synchronous functions run."""

REQUEST_ID_LABEL: Final = "request_id"
RETRIES_LABEL: Final = "_retries"
DEFERRED_LABEL: Final = "_deferred"
REQUEUES_LABEL: Final = "X-Taskiq-requeue"  # TaskIQ's own, counted by Context.requeue()
COUNTERS: Final = (RETRIES_LABEL, DEFERRED_LABEL, REQUEUES_LABEL)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task with its message. Calling it acknowledges the message."""

    connection: NatsConnection
    message: Msg
    task: TaskiqMessage
    timeout: float

    async def __call__(self) -> None:
        if not self.message.is_acked:  # a dead letter already is
            await self.connection.acknowledge(self.message)


_delivery: ContextVar[Delivery] = ContextVar("delivery")


def to_outgoing(message: BrokerMessage, delay: float = 0) -> OutgoingMessage:
    """Return the NATS message of a task; JetStream delivers it after `delay` seconds."""
    attempt = sum(int(message.labels.get(label, 0)) for label in COUNTERS)
    headers = {Header.MSG_ID.value: f"{message.task_id}.{attempt}"}
    if delay <= 0:
        return OutgoingMessage(TASKS_SUBJECT, message.message, headers)
    at = datetime.now(UTC) + timedelta(seconds=delay)
    headers[Header.SCHEDULE.value] = f"@at {at.isoformat().replace('+00:00', 'Z')}"
    headers[Header.SCHEDULE_TARGET.value] = TASKS_SUBJECT
    return OutgoingMessage(f"{LATER_SUBJECT}.{uuid4().hex}", message.message, headers)


class CustomJetStreamBroker(PullBasedJetStreamBroker):
    """A TaskIQ broker on the shared connection, which never creates a stream.

    The API only sends tasks. The worker runs each at least once, with a timeout. A failed task is
    retried with increasing delays. After the last attempt it becomes a dead letter, and so does
    an unknown task, or one that crashed its worker too often.

    Labels of a task: `timeout` in seconds (default `TASK_TIMEOUT`), `max_retries` as the number of
    attempts (default `TASK_MAX_DELIVERIES`), and `delay` in seconds before the first attempt.

    Results are not kept: a task stores its own. `with_result_backend()` would cost a third of the
    throughput.
    """

    connection: NatsConnection | None = None

    def __init__(self) -> None:
        super().__init__(servers=[], subject=TASKS_SUBJECT, durable=SERVICE_NAME)
        self.serializer = ORJSONSerializer()
        self.add_middlewares(TaskMiddleware())
        self.slots = Slots(1)
        self._stop = asyncio.Event()

    def stream(self, settings: Settings) -> StreamConfig:
        """Return the stream that this broker needs."""
        return tasks_stream(settings)

    def consumers(self, settings: Settings) -> list[tuple[str, str]]:
        """Return the stream and the name of each consumer."""
        return [(settings.NATS_STREAM, str(tasks_consumer(settings).name))]

    async def open(self, connection: NatsConnection) -> None:
        """Use `connection`. The caller closes it."""
        self.connection = connection
        await self.startup()

    async def close(self) -> None:
        """Stop using the connection."""
        await self.shutdown()
        self.connection = None

    async def startup(self) -> None:
        """Run TaskIQ's startup hooks; streams and consumers are declared elsewhere."""
        await AsyncBroker.startup(self)

    async def shutdown(self) -> None:
        """Run TaskIQ's shutdown hooks; the caller closes the connection."""
        await AsyncBroker.shutdown(self)

    async def kick(self, message: BrokerMessage) -> None:
        """Send a task; `.kiq()` calls this.

        Raises:
            NatsUnavailable: JetStream may have stored it; sending the same task id again is safe.
        """
        await self.opened.publish(to_outgoing(message, float(message.labels.get("delay", 0))))

    @property
    def opened(self) -> NatsConnection:
        """The connection; raises NatsUnavailable if NATS was not opened."""
        if self.connection is None:
            raise NatsUnavailable
        return self.connection

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Yield the tasks for this worker."""
        settings = self.opened.settings
        consumer = tasks_consumer(settings)
        messages = consume(self.opened, settings.NATS_STREAM, consumer, self.slots, self._stop)
        async with aclosing(messages):
            async for message in messages:
                delivery = await self._admit(message)
                if delivery:
                    self.slots.acquire()
                    yield AckableMessage(data=message.data, ack=delivery)

    async def _admit(self, message: Msg) -> Delivery | None:
        """Return the task to run; make the message a dead letter if it cannot run."""
        settings = self.opened.settings
        try:
            reason, task = None, self.formatter.loads(message.data)
            task.model_copy(update={"labels": dict(task.labels)}).parse_labels()
            timeout = float(task.labels.get("timeout", settings.TASK_TIMEOUT))
            if self.find_task(task.task_name) is None:
                reason = f"There is no task {task.task_name}."
            elif message.metadata.num_delivered > settings.TASK_MAX_DELIVERIES:
                reason = "It was delivered too often, and no worker finished it."
        except Exception as error:  # one bad message must not stop the others
            reason = f"It cannot be read: {error}"
        if reason is None:
            return Delivery(self.opened, message, task, timeout)
        try:
            await dead_letter(self.opened, message, "tasks", reason)
        except (NatsUnavailable, nats.errors.Error) as error:
            logger.warning(
                "A task could not be rejected and will be redelivered: {} ({})",
                reason,
                error,
            )
        return None

    async def work(self, stop: asyncio.Event) -> None:
        """Run tasks until `stop` is set; finish those in progress first."""
        settings = self.opened.settings
        self.slots, self._stop = Slots(settings.TASK_CONCURRENCY), stop
        executor = ThreadPoolExecutor(thread_name_prefix=THREADS)
        receiver = TaskReceiver(
            self,
            executor,
            max_async_tasks=settings.TASK_CONCURRENCY,
            ack_type=AcknowledgeType.WHEN_SAVED,
            run_startup=False,
        )
        try:
            await receiver.listen(stop)
        finally:  # a function that ignores its timeout must not block the exit
            executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def exit_despite_threads() -> Iterator[None]:
    """Exit the process after the block even if a synchronous function outlives its task's timeout.

    A thread cannot be stopped, and Python waits for it at exit: the process would hang, without
    working, until it is killed.
    """
    try:
        yield
    finally:
        if any(thread.name.startswith(THREADS) for thread in threading.enumerate()):
            error = sys.exception()
            if error is not None:
                sys.excepthook(type(error), error, error.__traceback__)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0 if error is None else 1)


class TaskReceiver(Receiver):
    """TaskIQ's receiver with this broker's ack heartbeat, isolation and context."""

    broker: CustomJetStreamBroker

    async def callback(
        self,
        message: bytes | AckableMessage,
        raise_err: bool = False,
    ) -> None:
        """Run one task. If it can be neither finished nor deferred, it is redelivered."""
        if not (isinstance(message, AckableMessage) and isinstance(message.ack, Delivery)):
            raise TypeError("The message is not a Delivery of this broker.")
        delivery = message.ack
        settings = self.broker.opened.settings
        ack_wait = settings.TASK_ACK_WAIT
        _delivery.set(delivery)
        try:
            async with isolate_if_suspect(
                delivery.message,
                max_deliveries=settings.TASK_MAX_DELIVERIES,
                ack_wait=ack_wait,
            ):
                with (
                    ack_heartbeat(delivery.message, ack_wait, limit=delivery.timeout),
                    request_id_context(delivery.task.labels.get(REQUEST_ID_LABEL)),
                ):
                    await super().callback(message, raise_err)
        except Exception:
            logger.exception("The task {} will be redelivered.", delivery.task.task_id)
        finally:
            self.broker.slots.release()


class TaskMiddleware(TaskiqMiddleware):
    """Propagates the request id, sets the timeout of a task, and retries it when it fails."""

    broker: CustomJetStreamBroker

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        """Add the request id to the task."""
        request_id = get_request_id()
        if request_id:
            message.labels.setdefault(REQUEST_ID_LABEL, request_id)
        return message

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Set the default timeout on a task without one."""
        message.labels.setdefault("timeout", self.broker.opened.settings.TASK_TIMEOUT)
        return message

    async def on_error(
        self,
        message: TaskiqMessage,
        result: TaskiqResult[Any],
        exception: BaseException,
    ) -> None:
        """Defer a failed task, or make it a dead letter."""
        if isinstance(exception, NoResultError):  # TaskIQ's way to end a task early
            return
        settings = self.broker.opened.settings
        attempts = int(message.labels.get(RETRIES_LABEL, 0)) + 1
        reason = f"{type(exception).__name__}: {exception}"
        if isinstance(exception, ServiceUnavailable):  # an outage does not count as a failure
            await self._send_again(DEFERRED_LABEL, reason)
        elif attempts >= int(message.labels.get("max_retries", settings.TASK_MAX_DELIVERIES)):
            await dead_letter(self.broker.opened, _delivery.get().message, "tasks", reason)
        else:
            await self._send_again(RETRIES_LABEL, reason)

    async def _send_again(self, counter: str, reason: str) -> None:
        # The task as received: TaskIQ has converted its arguments for the function.
        task = _delivery.get().task
        count = int(task.labels.get(counter, 0)) + 1
        task.labels[counter] = count
        delay = retry_delay(count, FIRST_RETRY_DELAY)
        message = self.broker.formatter.dumps(task)
        await self.broker.opened.publish(to_outgoing(message, delay))
        logger.warning("The task {} runs again in {} s: {}", task.task_id, delay, reason)

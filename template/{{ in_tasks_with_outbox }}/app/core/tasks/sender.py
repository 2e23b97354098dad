"""Send tasks from a request through the outbox: only if the transaction commits."""

from typing import Annotated, Any, NoReturn, ParamSpec

from fastapi import Depends
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask, BrokerMessage
from taskiq.exceptions import SendTaskError

from app.core.broker import tasks_broker
from app.core.database import SessionDep
from app.core.outbox.messages import add_to_outbox
from app.core.tasks.broker import to_outgoing

P = ParamSpec("P")


class OutboxBroker(AsyncBroker):
    """Sends tasks by writing them to the outbox in the transaction of a session."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__()
        self.middlewares = tasks_broker.middlewares
        self._session = session

    async def kick(self, message: BrokerMessage) -> None:
        """Write a task to the outbox; `.kiq()` calls this."""
        delay = float(message.labels.get("delay", 0))
        await add_to_outbox(self._session, to_outgoing(message, delay))

    def listen(self) -> NoReturn:
        """Raise an error: workers consume tasks through `CustomJetStreamBroker`."""
        raise NotImplementedError


class TaskAccepted(BaseModel):
    """The task with this id will be done."""

    task_id: str


class TaskSender:
    """Sends tasks in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._broker = OutboxBroker(session)

    async def send(
        self,
        task: AsyncTaskiqDecoratedTask[P, Any],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str:
        """Send `task` with these arguments, and return its id; it runs after the commit.

        Raises:
            MessageTooLarge: the arguments are too large; pass a key to the data instead.
        """
        try:
            sent = await task.kicker().with_broker(self._broker).kiq(*args, **kwargs)
        except SendTaskError as error:
            raise error.__cause__ or error from None
        return sent.task_id


async def _sender(session: SessionDep) -> TaskSender:
    return TaskSender(session)


TaskSenderDep = Annotated[TaskSender, Depends(_sender)]

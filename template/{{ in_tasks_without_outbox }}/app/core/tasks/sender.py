"""Send tasks from a request."""

from typing import Annotated, Any, ParamSpec

from fastapi import Depends
from pydantic import BaseModel
from taskiq import AsyncTaskiqDecoratedTask
from taskiq.exceptions import SendTaskError

P = ParamSpec("P")


class TaskAccepted(BaseModel):
    """The task with this id will be done."""

    task_id: str


class TaskSender:
    """Sends tasks to JetStream."""

    async def send(
        self,
        task: AsyncTaskiqDecoratedTask[P, Any],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str:
        """Send `task`, and return its id when JetStream has stored it.

        Raises:
            NatsUnavailable: JetStream may have stored it.
            MessageTooLarge: the arguments are too large; pass a key to the data instead.
        """
        try:
            sent = await task.kiq(*args, **kwargs)
        except SendTaskError as error:
            raise error.__cause__ or error from None
        return sent.task_id


async def _sender() -> TaskSender:
    return TaskSender()


TaskSenderDep = Annotated[TaskSender, Depends(_sender)]

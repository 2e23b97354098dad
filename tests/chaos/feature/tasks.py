"""Tasks that leave a trace of when they begin and end, and one that ends its worker."""

import asyncio
import os

from sqlalchemy import text

from app.core.broker import broker
from app.core.database import get_session_context

BEGIN = text("INSERT INTO work (task, pid) VALUES (:task, :pid)")
END = text("UPDATE work SET ended = true WHERE task = :task AND pid = :pid")


@broker.task
async def work(task: str, seconds: float) -> None:
    """Note that it begins, work, and note that it ends, each in a transaction of its own."""
    values = {"task": task, "pid": os.getpid()}
    async with get_session_context() as session:
        await session.execute(BEGIN, values)
    await asyncio.sleep(seconds)
    async with get_session_context() as session:
        await session.execute(END, values)


@broker.task
async def end_the_worker() -> None:
    """Do what a fault in a library of C does."""
    os._exit(1)

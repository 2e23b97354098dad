"""Work that costs nothing, so that what remains is the cost of bringing it to the worker."""

from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.broker import broker, events_broker
from app.events.schemas import BaseEvent


class Unheard(BaseEvent):
    """An event that nobody here hears."""

    subject: ClassVar[str] = "events.bench.unheard"


class Heard(BaseEvent):
    """An event that somebody hears."""

    subject: ClassVar[str] = "events.bench.heard"


class Noted(BaseEvent):
    """An event that is handled in a transaction, once however often it comes."""

    subject: ClassVar[str] = "events.bench.noted"


@broker.task
async def do_nothing(number: int) -> None:
    """Do nothing."""


@events_broker.task(Heard)
async def hear(event: Heard) -> None:
    """Do nothing."""


@events_broker.task(Noted)
async def note(event: Noted, session: AsyncSession) -> None:
    """Do nothing but what surrounds every handler that writes."""

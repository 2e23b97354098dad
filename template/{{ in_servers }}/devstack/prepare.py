"""Puts on the servers what the service expects to find there."""

from app.core.config import Settings
from app.inspections import INSPECTIONS


async def prepare(settings: Settings) -> None:
    """Bring about on each server what `settings` name; safe to repeat.

    Raises:
        StartupError, DomainError: a server does not answer, refuses these settings, or has what
            does not fit; the text says so.
    """
    for inspection in INSPECTIONS.values():
        if inspection.prepare is not None:
            await inspection.prepare(settings)

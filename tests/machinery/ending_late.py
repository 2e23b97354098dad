"""A database server that says that it ends all connections, a moment before it does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import SecretStr
from sqlalchemy import make_url

from app.core.config import Settings
from devstack.process import HOST
from tests.machinery.forwarding import forwarded

Farewell = Callable[[], Awaitable[None]]

_SAID = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"

FAREWELL = b"E" + (len(_SAID) + 4).to_bytes(4) + _SAID
"""What the server says to a client before it closes the connection."""


@asynccontextmanager
async def ending_late(settings: Settings) -> AsyncIterator[tuple[Settings, Farewell]]:
    """Yield settings of a database whose server says that it ends all connections, when called.

    PostgreSQL says so, and nothing after it, a moment before it closes the socket.
    """
    async with forwarded(settings.database_url_sync) as way:

        async def say_farewell() -> None:
            await way.end_with(FAREWELL)

        url = make_url(settings.database_url_sync).set(host=HOST, port=way.port)
        address = SecretStr(url.render_as_string(hide_password=False))
        yield settings.model_copy(update={"DATABASE_URL": address}), say_farewell

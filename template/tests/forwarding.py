"""Another way to a server, which a test may cut."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from devstack.process import HOST


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The other way.

    Attributes:
        port: where it begins, on this machine.
        callers: the connections of those who have come by it.
    """

    port: int
    callers: list[asyncio.StreamWriter]


@asynccontextmanager
async def forwarded(
    url: str,
    *,
    port: int = 0,
    cut_after: int = sys.maxsize,
) -> AsyncIterator[Forwarding]:
    """Have the server at `url` answer on this machine as well; in the end, cut all connections.

    Args:
        url: the server's address.
        port: where it is to answer; 0 for any port that is free.
        cut_after: bytes of its answers after which a connection is cut.
    """
    real = urlsplit(url)
    callers: list[asyncio.StreamWriter] = []

    async def pass_on(
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        left: int = sys.maxsize,
    ) -> None:
        while data := await source.read(min(left, 65536)):
            target.write(data)
            await target.drain()
            left -= len(data)
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        from_server, to_server = await asyncio.open_connection(real.hostname, real.port)
        await asyncio.gather(pass_on(reader, to_server), pass_on(from_server, writer, cut_after))

    async with await asyncio.start_server(forward, HOST, port) as server:
        try:
            yield Forwarding(server.sockets[0].getsockname()[1], callers)
        finally:
            for caller in callers:
                caller.close()

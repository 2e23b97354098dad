"""Another way to a server, which a test may cut or have end with words of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from devstack.process import HOST

HEARD = 0.05
"""Seconds after which the callers have heard the server's last words."""

LINGERING = 0.2
"""Seconds after which a connection closes on which they were said."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """The other way.

    Attributes:
        port: where it begins, on this machine.
        callers: the connections of those who have come by it.
        ended: those of them who have heard the last words.
    """

    port: int
    callers: list[asyncio.StreamWriter]
    ended: set[asyncio.StreamWriter]

    async def end_with(self, last_words: bytes) -> None:
        """Say `last_words` to all who have come, and nothing more; close a moment later.

        Return in between, when they have been heard.
        """
        for caller in self.callers:
            caller.write(last_words)
            asyncio.get_running_loop().call_later(LINGERING, caller.close)
        self.ended.update(self.callers)
        await asyncio.sleep(HEARD)


@asynccontextmanager
async def forwarded(
    url: str,
    *,
    port: int = 0,
    cut_after: int = sys.maxsize,
    instead: Callable[[bytes], bytes | None] = lambda _: None,
) -> AsyncIterator[Forwarding]:
    """Have the server at `url` answer on this machine as well; in the end, cut all connections.

    Args:
        url: the server's address.
        port: where it is to answer; 0 for any port that is free.
        cut_after: bytes of its answers after which a connection is cut.
        instead: given what a caller says first, returns what it is told in the server's place.
    """
    real = urlsplit(url)
    callers: list[asyncio.StreamWriter] = []
    ended: set[asyncio.StreamWriter] = set()

    async def pass_on(
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        left: int = sys.maxsize,
    ) -> None:
        while data := await source.read(min(left, 65536)):
            if target not in ended:
                target.write(data)
                await target.drain()
            left -= len(data)
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        first = await reader.read(65536)
        if answer := instead(first):
            writer.write(answer)
            writer.close()
            return
        from_server, to_server = await asyncio.open_connection(real.hostname, real.port)
        to_server.write(first)
        await asyncio.gather(pass_on(reader, to_server), pass_on(from_server, writer, cut_after))

    async with await asyncio.start_server(forward, HOST, port) as server:
        try:
            yield Forwarding(server.sockets[0].getsockname()[1], callers, ended)
        finally:
            for caller in callers:
                caller.close()

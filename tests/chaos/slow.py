"""A way to a server that can become slow, or carry nothing, without being cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from devstack.process import HOST


@dataclass(slots=True)
class Way:
    """The way.

    Attributes:
        port: where it begins, on this machine.
        delay: seconds that each piece of an answer is held back.
        flows: whether it carries anything; connections are accepted even if not.
    """

    port: int = 0
    delay: float = 0
    flows: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def way_to(port: int) -> AsyncIterator[Way]:
    """Yield another way to the server at `port`."""
    way = Way()
    way.flows.set()
    writers: list[asyncio.StreamWriter] = []

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await way.flows.wait()
                await asyncio.sleep(way.delay)
                target.write(data)
                await target.drain()
        except OSError:
            pass  # the other side is gone
        finally:
            target.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(HOST, port)
        writers.extend((writer, to_server))
        await asyncio.gather(carry(reader, to_server), carry(from_server, writer))

    server = await asyncio.start_server(connect, HOST, 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        way.flows.set()
        server.close()
        for writer in writers:
            writer.close()

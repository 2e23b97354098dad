"""Bytes from wherever they come, regrouped into parts of one size."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from io import BytesIO
from typing import Final, Protocol, TypeAlias, runtime_checkable

CHUNK_SIZE: Final = 256 * 1024


@runtime_checkable
class Readable(Protocol):
    """An open file, an upload, or anything else with `read(size)`, async or not."""

    def read(self, size: int, /) -> bytes | Awaitable[bytes]:
        """Return at most `size` bytes, and none at the end."""


ByteStream: TypeAlias = Readable | AsyncIterable[bytes]


async def chunks_of(source: bytes | ByteStream) -> AsyncIterator[bytes]:
    """Yield the bytes of `source` as they come; a file's `read` runs in a thread."""
    if isinstance(source, bytes):
        yield source
    elif isinstance(source, Readable):
        while True:
            if inspect.iscoroutinefunction(source.read):
                chunk = await source.read(CHUNK_SIZE)
            else:
                chunk = await asyncio.to_thread(source.read, CHUNK_SIZE)
            if not chunk:
                return
            yield chunk
    else:
        async for chunk in source:
            yield chunk


async def parts_of(source: bytes | ByteStream, size: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of `source` in parts of exactly `size` bytes, the last one shorter.

    One part is in memory at a time.
    """
    part = BytesIO()
    async for chunk in chunks_of(source):
        rest = memoryview(chunk)
        while rest:
            written = part.write(rest[: size - part.tell()])
            rest = rest[written:]
            if part.tell() == size:
                yield part.getvalue()
                part = BytesIO()
    if part.tell():
        yield part.getvalue()

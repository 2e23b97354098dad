"""Stored objects as the rest of the service sees them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.common.byte_streams import CHUNK_SIZE
from app.common.storage_errors import storage_errors

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the storage knows of an object: its key below S3_PREFIX, its size in bytes."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class Download:
    """An object on its way here: iterate over it once for its bytes, or close it."""

    def __init__(self, size: int, content_type: str, body: "StreamingBody") -> None:
        self.size = size
        self.content_type = content_type
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield chunks of at most 256 KiB; a server that stops midway is `StorageUnavailable`."""
        try:
            while True:
                with storage_errors():
                    chunk = await self._body.read(CHUNK_SIZE)
                if not chunk:
                    return
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """Drop the connection of a download that is not read to its end."""
        self._body.close()

"""Uploads in one piece and in parts, and what is left of those that end early."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import UploadFile

from app.common.oss import ObjectStorage
from app.common.storage_client import ObjectNotFound
from app.core.config import Settings

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PART_SIZE = 5 * 1024 * 1024
LARGE = bytes(range(256)) * (11 * 1024 * 1024 // 256)


async def content_of(storage: ObjectStorage, key: str) -> bytes:
    return b"".join([chunk async for chunk in await storage.download_file(key)])


@pytest.mark.parametrize("size", [0, 5, PART_SIZE - 1, PART_SIZE, len(LARGE)])
async def test_bytes_come_back_as_they_were(storage: ObjectStorage, size: int) -> None:
    assert await storage.upload_file("a/b.bin", LARGE[:size]) == size
    assert await content_of(storage, "a/b.bin") == LARGE[:size]


@pytest.mark.parametrize("kind", ["path", "file", "upload", "stream"])
async def test_any_source_of_bytes_will_do(
    storage: ObjectStorage,
    kind: str,
    tmp_path: Path,
) -> None:
    content = LARGE[:1_000_000]
    if kind == "path":
        path = tmp_path / "source"
        path.write_bytes(content)
        await storage.upload_file("key", path)
    elif kind == "file":
        await storage.upload_file("key", io.BytesIO(content))
    elif kind == "upload":
        await storage.upload_file("key", UploadFile(io.BytesIO(content)))
    else:
        await storage.upload_file("key", Source(content))
    assert await content_of(storage, "key") == content


async def test_a_source_that_breaks_leaves_nothing_behind(
    storage: ObjectStorage,
    s3_client: "S3Client",
    corner: Settings,
) -> None:
    with pytest.raises(RuntimeError, match="the source broke"):
        await storage.upload_file("key", Source(LARGE, end=RuntimeError("the source broke")))
    assert await leftovers(s3_client, corner) == []
    with pytest.raises(ObjectNotFound):
        await storage.stat("key")


class Source:
    """An async stream that counts what was taken of it, and may break at its end."""

    chunk_size = 100_000

    def __init__(self, content: bytes, end: Exception | None = None) -> None:
        self.taken = 0
        self._content = content
        self._end = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self.chunk_size):
            chunk = self._content[start : start + self.chunk_size]
            self.taken += len(chunk)
            yield chunk
        if self._end is not None:
            raise self._end


async def leftovers(s3_client: "S3Client", corner: Settings) -> list[str]:
    """Return the keys of unfinished uploads below the prefix."""
    answer = await s3_client.list_multipart_uploads(
        Bucket=corner.S3_BUCKET,
        Prefix=corner.S3_PREFIX,
    )
    return [upload["Key"] for upload in answer.get("Uploads", [])]

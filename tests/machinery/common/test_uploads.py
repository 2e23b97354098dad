"""Uploads in one piece and in parts, and what is left of those that end early."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from fastapi import UploadFile

from app.common.oss import ObjectStorage
from app.core.config import Settings
from tests.asgi import small_app

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PART_SIZE = 5 * 1024 * 1024
LARGE = bytes(range(256)) * (11 * 1024 * 1024 // 256)


async def content_of(storage: ObjectStorage, key: str) -> bytes:
    return b"".join([chunk async for chunk in await storage.download_file(key)])


async def test_no_more_than_one_part_is_read_ahead(
    storage: ObjectStorage,
    s3_client: "S3Client",
) -> None:
    source = Source(LARGE)
    taken_by_part = []

    def on_part(**_: Any) -> None:
        taken_by_part.append(source.taken)

    s3_client.meta.events.register("before-call.s3.UploadPart", on_part)
    try:
        assert await storage.upload_file("key", source) == len(LARGE)
    finally:
        s3_client.meta.events.unregister("before-call.s3.UploadPart", on_part)
    assert len(taken_by_part) == 3
    for number, taken in enumerate(taken_by_part, start=1):
        assert taken <= number * PART_SIZE + source.chunk_size


async def test_no_checksum_is_sent_that_only_aws_understands(
    storage: ObjectStorage,
    s3_client: "S3Client",
) -> None:
    sent: set[str] = set()

    def on_request(request: Any, **_: Any) -> None:
        sent.update(f"{name}: {value}".lower() for name, value in request.headers.items())

    s3_client.meta.events.register("before-send.s3", on_request)
    try:
        await storage.upload_file("key", b"content")
        await storage.upload_file("key", LARGE[: PART_SIZE + 1])
    finally:
        s3_client.meta.events.unregister("before-send.s3", on_request)
    assert sent
    assert not [header for header in sent if "checksum" in header or "aws-chunked" in header]


async def test_an_upload_replaces_what_is_there(storage: ObjectStorage) -> None:
    await storage.upload_file("key", b"older")
    await storage.upload_file("key", b"new")
    assert await content_of(storage, "key") == b"new"


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
@pytest.mark.parametrize("canceller", ["asyncio", "anyio"])
async def test_a_cancelled_upload_leaves_nothing_behind(
    storage: ObjectStorage,
    s3_client: "S3Client",
    corner: Settings,
    operation: str,
    canceller: str,
) -> None:
    under_way = asyncio.Event()

    def on_call(**_: Any) -> None:
        under_way.set()

    s3_client.meta.events.register(f"before-send.s3.{operation}", on_call)
    try:
        if canceller == "asyncio":
            upload = asyncio.create_task(storage.upload_file("key", LARGE))
            await under_way.wait()
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upload
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(storage.upload_file, "key", LARGE)
                await under_way.wait()
                group.cancel_scope.cancel()
    finally:
        s3_client.meta.events.unregister(f"before-send.s3.{operation}", on_call)
    assert await leftovers(s3_client, corner) == []
    assert not await storage.exists("key")


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


def test_an_uploaded_file_is_documented_as_binary() -> None:
    app = small_app()

    @app.post("/covers")
    async def add_covers(front: UploadFile, others: list[UploadFile] | None = None) -> None: ...

    form = app.openapi()["components"]["schemas"]["Body_add_covers"]["properties"]
    others, _ = form["others"]["anyOf"]
    assert form["front"]["format"] == others["items"]["format"] == "binary"

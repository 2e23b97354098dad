"""Streaming uploads of any size, with the memory of one part."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from contextlib import aclosing, asynccontextmanager, suppress
from io import BytesIO
from typing import TYPE_CHECKING, NotRequired, Protocol, TypeAlias, TypedDict, runtime_checkable

from anyio import CancelScope

from app.common.storage_client import CHUNK_SIZE, StorageUnavailable, storage_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef


@runtime_checkable
class Readable(Protocol):
    """An open file, an upload, or anything else with `read(size)`, async or not."""

    def read(self, size: int, /) -> bytes | Awaitable[bytes]:
        """Return at most `size` bytes, and none at the end."""


ByteStream: TypeAlias = Readable | AsyncIterable[bytes]


class UploadTarget(TypedDict):
    """The common arguments of simple and multipart uploads."""

    Bucket: str
    Key: str
    ContentType: str
    ContentDisposition: NotRequired[str]


async def upload(
    client: "S3Client",
    target: UploadTarget,
    source: bytes | ByteStream,
    part_size: int,
    part_time: float,
) -> int:
    """Store `source`, all of it or nothing, and return its size; multipart from `part_size` on.

    Each part times out after `part_time` seconds.
    """
    async with aclosing(_parts_of(source, part_size)) as parts:
        first = await anext(parts, b"")
        if len(first) == part_size:
            return await _upload_parts(client, target, first, parts, part_time)
    async with _limited(part_time):
        await client.put_object(**target, Body=BytesIO(first))
    return len(first)


async def _upload_parts(
    client: "S3Client",
    target: UploadTarget,
    first: bytes,
    others: AsyncIterator[bytes],
    part_time: float,
) -> int:
    completed: list[CompletedPartTypeDef] = []
    size = 0
    part = first
    async with _multipart_upload(client, target) as upload_id:
        while part:
            number = len(completed) + 1
            async with _limited(part_time):
                answer = await client.upload_part(
                    Bucket=target["Bucket"],
                    Key=target["Key"],
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=BytesIO(part),
                )
            completed.append({"PartNumber": number, "ETag": answer["ETag"]})
            size += len(part)
            part = await anext(others, b"")
        with storage_errors():
            await client.complete_multipart_upload(
                Bucket=target["Bucket"],
                Key=target["Key"],
                UploadId=upload_id,
                MultipartUpload={"Parts": completed},
            )
    return size


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    # The client limits the time of a response, but not the time of sending the request.
    try:
        async with asyncio.timeout(seconds):
            with storage_errors():
                yield
    except TimeoutError as error:
        raise StorageUnavailable from error


@asynccontextmanager
async def _multipart_upload(client: "S3Client", target: UploadTarget) -> AsyncIterator[str]:
    """Yield the id of a new upload; whatever ends it early, cancellation too, removes its parts."""
    # A task of its own, because a request that is cancelled on its way may have made the upload.
    starting = asyncio.ensure_future(client.create_multipart_upload(**target))
    try:
        with storage_errors():
            upload = await asyncio.shield(starting)
        yield upload["UploadId"]
    except BaseException:
        # What ended it is the error to report, also where the server is gone and cannot clean up.
        with CancelScope(shield=True), suppress(Exception):
            upload = await starting
            await client.abort_multipart_upload(
                Bucket=target["Bucket"],
                Key=target["Key"],
                UploadId=upload["UploadId"],
            )
        raise


async def _chunks_of(source: bytes | ByteStream) -> AsyncIterator[bytes]:
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


async def _parts_of(source: bytes | ByteStream, size: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of `source` in parts of exactly `size` bytes, the last one shorter.

    One part is in memory at a time.
    """
    part = BytesIO()
    async for chunk in _chunks_of(source):
        rest = memoryview(chunk)
        while rest:
            written = part.write(rest[: size - part.tell()])
            rest = rest[written:]
            if part.tell() == size:
                yield part.getvalue()
                part = BytesIO()
    if part.tell():
        yield part.getvalue()

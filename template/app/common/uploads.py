"""Uploads of any size with the memory of one part."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from io import BytesIO
from typing import TYPE_CHECKING, NotRequired, TypedDict

from anyio import CancelScope

from app.common.byte_streams import ByteStream, parts_of
from app.common.storage_errors import storage_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef


class UploadTarget(TypedDict):
    """The arguments that an upload in one piece and one in parts have in common."""

    Bucket: str
    Key: str
    ContentType: str
    ContentDisposition: NotRequired[str]


async def upload(
    client: "S3Client",
    target: UploadTarget,
    source: bytes | ByteStream,
    part_size: int,
) -> int:
    """Store all of `source` or nothing, from `part_size` on in parts, and return its size."""
    async with aclosing(parts_of(source, part_size)) as parts:
        first = await anext(parts, b"")
        if len(first) == part_size:
            return await _upload_parts(client, target, first, parts)
    with storage_errors():
        await client.put_object(**target, Body=BytesIO(first))
    return len(first)


async def _upload_parts(
    client: "S3Client",
    target: UploadTarget,
    first: bytes,
    others: AsyncIterator[bytes],
) -> int:
    completed: list[CompletedPartTypeDef] = []
    size = 0
    part = first
    async with _multipart_upload(client, target) as upload_id:
        while part:
            number = len(completed) + 1
            with storage_errors():
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

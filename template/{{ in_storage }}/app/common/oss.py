"""Object storage over the S3 protocol: AWS, Cloudflare R2, Aliyun OSS or MinIO, by settings.

Built on aiobotocore, since aioboto3 pins an old version of it.
"""

import asyncio
import mimetypes
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast
from urllib.parse import quote
from uuid import uuid4

from fastapi import Depends, Request

from app.common.storage_client import (
    ATTEMPTS,
    STORAGE_ERRORS,
    BucketNotFound,
    ObjectNotFound,
    open_client,
    storage_errors,
)
from app.common.stored_objects import Download, StoredObject, full_key, is_key
from app.common.uploads import ByteStream, UploadTarget, upload
from app.core.config import Settings
from app.core.errors import raises
from app.core.resource import Resource

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.literals import BucketLocationConstraintType
    from types_aiobotocore_s3.type_defs import (
        CreateBucketRequestTypeDef,
        GetObjectRequestTypeDef,
    )

DEFAULT_TYPE: Final = "application/octet-stream"


class ObjectStorage:
    """The bucket of this service, by keys below S3_PREFIX.

    Every method raises `InvalidObjectKey` for a key that it refuses, and the errors of
    `app.common.storage_client`.
    """

    def __init__(
        self,
        client: "S3Client",
        settings: Settings,
        signer: "S3Client | None" = None,
    ) -> None:
        """`signer` creates presigned URLs if callers reach the server at another address."""
        self._client = client
        self._signer = signer or client
        self._bucket = settings.S3_BUCKET
        prefix = settings.S3_PREFIX.strip("/")
        self._root = f"{prefix}/" if prefix else ""
        self._part_size = settings.S3_MULTIPART_THRESHOLD
        self._part_time = ATTEMPTS * (settings.S3_CONNECT_TIMEOUT + settings.S3_READ_TIMEOUT)
        self._public_domain = settings.R2_PUBLIC_DOMAIN
        self._temp_dir = settings.TEMP_DIR

    async def upload_file(
        self,
        key: str,
        source: bytes | Path | ByteStream,
        *,
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> int:
        """Store `source` as `key`, all of it or nothing, and return its size in bytes.

        An existing object is replaced. From S3_MULTIPART_THRESHOLD on the upload is multipart, with
        parts of that size: one is in memory at a time, and 10,000 are the limit. The content type
        is guessed from the key by default.
        """
        target: UploadTarget = {
            "Bucket": self._bucket,
            "Key": full_key(self._root, key),
            "ContentType": content_type or mimetypes.guess_type(key)[0] or DEFAULT_TYPE,
        }
        if content_disposition is not None:
            target["ContentDisposition"] = content_disposition
        if not isinstance(source, Path):
            return await self._upload(target, source)
        with await asyncio.to_thread(source.open, "rb") as file:
            return await self._upload(target, file)

    async def _upload(self, target: UploadTarget, source: bytes | ByteStream) -> int:
        return await upload(self._client, target, source, self._part_size, self._part_time)

    async def download_file(self, key: str, part: range | None = None) -> Download:
        """Open the object, or a `part` of it, for streaming."""
        source: GetObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": full_key(self._root, key),
        }
        if part is not None:
            source["Range"] = f"bytes={part.start}-{part.stop - 1}"
        with storage_errors():
            answer = await self._client.get_object(**source)
        content_type = answer.get("ContentType", DEFAULT_TYPE)
        return Download(answer["ContentLength"], content_type, answer["Body"])

    async def download_to_path(self, key: str, path: Path) -> int:
        """Download the object to `path`, all of it or nothing, and return its size in bytes."""
        download = await self.download_file(key)
        partial = path.with_name(f".{uuid4().hex}.partial")
        try:
            with await asyncio.to_thread(partial.open, "xb") as file:
                async for chunk in download:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(partial.replace, path)
        finally:
            download.close()
            partial.unlink(missing_ok=True)
        return download.size

    @asynccontextmanager
    async def temporary_file(self, key: str) -> AsyncIterator[Path]:
        """Download the object to a temporary folder in TEMP_DIR, and delete it after the block."""
        with tempfile.TemporaryDirectory(dir=self._temp_dir) as folder:
            path = Path(folder, key.rpartition("/")[2])
            await self.download_to_path(key, path)
            yield path

    async def delete_file(self, key: str) -> None:
        """Delete the object; a missing object is no error."""
        with storage_errors():
            await self._client.delete_object(
                Bucket=self._bucket,
                Key=full_key(self._root, key),
            )

    async def stat(self, key: str) -> StoredObject:
        """Return the metadata of the object."""
        try:
            with storage_errors():
                answer = await self._client.head_object(
                    Bucket=self._bucket,
                    Key=full_key(self._root, key),
                )
        except ObjectNotFound:
            await self.check()  # a response to HEAD does not say whether the bucket is missing
            raise
        return StoredObject(
            key=key,
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified_at=answer["LastModified"],
        )

    async def exists(self, key: str) -> bool:
        """Return whether the object exists."""
        try:
            await self.stat(key)
        except ObjectNotFound:
            return False
        return True

    async def copy(self, source: str, destination: str) -> None:
        """Copy an object and its content type within the bucket, on the server; 5 GB at most."""
        with storage_errors():
            await self._client.copy_object(
                Bucket=self._bucket,
                Key=full_key(self._root, destination),
                CopySource={"Bucket": self._bucket, "Key": full_key(self._root, source)},
            )

    async def list_objects(
        self,
        prefix: str = "",
        *,
        page_size: int = 1000,
    ) -> AsyncIterator[StoredObject]:
        """Yield the objects whose keys start with `prefix`, in order of keys, page by page.

        Objects with invalid keys are skipped, such as the empty `folder/` that a console creates.
        """
        full_prefix = self._root
        if prefix:
            slash = "/" if prefix.endswith("/") else ""
            full_prefix = full_key(self._root, prefix.removesuffix("/")) + slash
        pages = aiter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket,
                Prefix=full_prefix,
                PaginationConfig={"PageSize": page_size},
            ),
        )
        while True:
            with storage_errors():
                page = await anext(pages, None)
            if page is None:
                return
            for item in page.get("Contents", []):
                key = item["Key"].removeprefix(self._root)
                if not is_key(self._root, key):
                    continue
                yield StoredObject(
                    key=key,
                    size=item["Size"],
                    etag=item["ETag"].strip('"'),
                    modified_at=item["LastModified"],
                )

    async def list_buckets(self) -> list[str]:
        """Return the names of the buckets that these credentials may list."""
        with storage_errors():
            answer = await self._client.list_buckets()
        return [bucket["Name"] for bucket in answer["Buckets"]]

    async def generate_presigned_url(
        self,
        key: str,
        method: Literal["GET", "PUT"] = "GET",
        *,
        expires_in: int = 3600,
        content_type: str | None = None,
    ) -> str:
        """Return a URL that lets its holder read or write the object for `expires_in` seconds.

        Seven days at most. If `content_type` is given, an upload must send it as its header. The
        server is not contacted: the object need not exist.
        """
        parameters = {"Bucket": self._bucket, "Key": full_key(self._root, key)}
        if content_type is not None:
            parameters["ContentType"] = content_type
        return await self._signer.generate_presigned_url(
            "get_object" if method == "GET" else "put_object",
            Params=parameters,
            ExpiresIn=expires_in,
        )

    async def get_public_url(self, key: str) -> str:
        """Return the permanent URL of the object; it works if the bucket is public."""
        if self._public_domain is None:
            signed = await self.generate_presigned_url(key)
            return signed.partition("?")[0]
        domain = self._public_domain.rstrip("/")
        if "://" not in domain:
            domain = f"https://{domain}"
        return f"{domain}/{quote(full_key(self._root, key))}"

    async def check(self) -> str:
        """Access the bucket, and return the name of the server, such as `AmazonS3`."""
        with storage_errors(missing=BucketNotFound):
            answer = await self._client.head_bucket(Bucket=self._bucket)
        return answer["ResponseMetadata"]["HTTPHeaders"].get("server", "S3")


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[ObjectStorage]:
    """Yield the storage with the client of this process, without contacting the server."""
    async with AsyncExitStack() as stack:
        client = signer = await stack.enter_async_context(open_client(settings))
        if settings.S3_PUBLIC_ENDPOINT is not None:
            public = settings.model_copy(update={"S3_ENDPOINT": settings.S3_PUBLIC_ENDPOINT})
            signer = await stack.enter_async_context(open_client(public))
        # The framework spools uploads to this folder.
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = settings.TEMP_DIR
        yield ObjectStorage(client, settings, signer)


async def ensure_bucket(settings: Settings) -> bool:
    """Create the bucket if it is missing, and return whether it was created.

    For the development stack, tests and scripts: the service itself creates no bucket.
    """
    async with open_client(settings) as client:
        try:
            await ObjectStorage(client, settings).check()
        except BucketNotFound:
            place: CreateBucketRequestTypeDef = {"Bucket": settings.S3_BUCKET}
            if settings.S3_ENDPOINT is None and settings.S3_REGION != "us-east-1":
                region = cast("BucketLocationConstraintType", settings.S3_REGION)
                place["CreateBucketConfiguration"] = {"LocationConstraint": region}
            with storage_errors(), suppress(client.exceptions.BucketAlreadyOwnedByYou):
                await client.create_bucket(**place)
            return True
    return False


STORAGE: Final = Resource("storage", open_storage, ObjectStorage.check)


@raises(*STORAGE_ERRORS)
def get_storage(request: Request) -> ObjectStorage:
    """Return the application's storage."""
    storage: ObjectStorage = request.app.state.resources[STORAGE.name]
    return storage


StorageDep = Annotated[ObjectStorage, Depends(get_storage)]

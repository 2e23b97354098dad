"""Check the object storage: list it, and store, read and delete an object."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

from app.checks.report import Inspection
from app.common.oss import ObjectStorage, ensure_bucket, open_storage
from app.common.storage_client import StorageAccessDenied
from app.core.config import Settings

LISTED = 5
"""Maximum number of listed objects."""


async def look_at_storage(settings: Settings, storage: ObjectStorage) -> AsyncIterator[str]:
    """Yield each step: list buckets and objects, upload one, read it back, delete it.

    Raises:
        ValueError: the downloaded bytes differ from the uploaded ones.
    """
    try:
        yield f"buckets: {', '.join(await storage.list_buckets())}"
    except StorageAccessDenied:  # access keys for one bucket only are good practice
        yield "buckets: these access keys may not list them"
    keys: list[str] = []
    async for stored in storage.list_objects(page_size=LISTED):
        keys.append(stored.key)
        if len(keys) == LISTED:
            break
    yield f"objects below {settings.S3_PREFIX}: {', '.join(keys) or 'none'}"
    key, content = f"connection-test/{uuid4().hex}.txt", uuid4().hex.encode()
    yield f"uploaded {await storage.upload_file(key, content)} bytes as {key}"
    try:
        download = await storage.download_file(key)
        if b"".join([chunk async for chunk in download]) != content:
            raise ValueError(f"{key} was downloaded with other bytes than were uploaded.")
        yield "read the same bytes back"
    finally:
        await storage.delete_file(key)
    yield "deleted it"
    address = urlsplit(await storage.generate_presigned_url(key))
    yield f"presigned URLs begin with {address.scheme}://{address.netloc}"


STORAGE_INSPECTION = Inspection(open_storage, look_at_storage, prepare=ensure_bucket)

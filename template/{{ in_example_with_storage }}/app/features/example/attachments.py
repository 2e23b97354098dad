"""Files attached to an example, kept in the object storage.

The key `examples/<example>/<attachment>/<name>` is the only record of a file. Files stay in the
storage when their example is deleted; nobody reaches them there any more.
"""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request, Response, UploadFile, status
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from app.common.downloads import RangeNotSatisfiable, content_disposition, send_download
from app.common.error_handlers import error_responses
from app.common.file_types import BEGINNING, can_be
from app.common.oss import StorageDep
from app.common.storage_client import STORAGE_ERRORS
from app.common.stored_objects import StoredObject, safe_file_name
from app.common.time_limit import time_limit
from app.core.errors import NotFound, PayloadTooLarge, UnsupportedMedia
from app.features.example.errors import ExampleNotFound
from app.features.example.repositories import ExampleReaderDep

MAX_BYTES: Final = 20 * 1024 * 1024
FORM_OVERHEAD: Final = 16 * 1024  # boundaries and headers around the file
UPLOAD_SECONDS: Final = 300
URL_SECONDS: Final = 300
ALLOWED_TYPES: Final = (
    "application/pdf",
    "application/zip",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
)
UUID_FORM: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KEY: Final = re.compile(rf"examples/{UUID_FORM}/{UUID_FORM}/[^/]+")
# Client generators take the first type that they know; this one gives them bytes, not text.
DOWNLOAD_TYPES: Final = ("application/octet-stream", *ALLOWED_TYPES)
ENCODING: Final = {"file": {"contentType": ", ".join(ALLOWED_TYPES)}}
FILE: Final = {"schema": {"type": "string", "format": "binary"}}


class AttachmentNotFound(NotFound):
    """The example has no attachment with this id."""


class AttachmentTypeRefused(UnsupportedMedia):
    """Attachments are PDF, ZIP, JPEG, PNG, WebP, CSV or plain text."""


class Attachment(BaseModel):
    """A stored file."""

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    uploaded_at: datetime


class AttachmentUrl(BaseModel):
    """A URL that needs no credentials."""

    url: str
    expires_in: int = Field(description="Seconds.")


async def existing_example(example_id: UUID, examples: ExampleReaderDep) -> UUID:
    """Return the id of the path if there is such an example."""
    return (await examples.read(example_id)).id


ExistingExampleId = Annotated[UUID, Depends(existing_example)]


async def find_attachment(
    example_id: ExistingExampleId,
    attachment_id: UUID,
    storage: StorageDep,
) -> StoredObject:
    """Return the stored file that the path names."""
    async for stored in storage.list_objects(f"examples/{example_id}/{attachment_id}/"):
        if is_attachment(stored):
            return stored
    raise AttachmentNotFound


StoredAttachment = Annotated[StoredObject, Depends(find_attachment)]

router = APIRouter(prefix="/examples/{example_id}/attachments", tags=["attachments"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    max_body_size=MAX_BYTES + FORM_OVERHEAD,
    dependencies=[time_limit(UPLOAD_SECONDS)],
    responses=error_responses(
        ExampleNotFound,
        PayloadTooLarge,
        AttachmentTypeRefused,
        *STORAGE_ERRORS,
    ),
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"encoding": ENCODING}}}},
)
async def upload_attachment(
    example_id: ExistingExampleId,
    file: UploadFile,
    request: Request,
    response: Response,
    storage: StorageDep,
) -> Attachment:
    """Attach a file, 20 MiB at most; Location says where it is."""
    content_type = (file.content_type or "").partition(";")[0].strip().lower()
    if content_type not in ALLOWED_TYPES:
        raise AttachmentTypeRefused
    if file.size is None or file.size > MAX_BYTES:
        raise PayloadTooLarge("An attachment may have 20 MiB at most.")
    if not can_be(content_type, await file.read(BEGINNING)):
        raise AttachmentTypeRefused("The file is not what its Content-Type says.")
    await file.seek(0)
    attachment_id = uuid4()
    name = safe_file_name(file.filename or "")
    key = f"examples/{example_id}/{attachment_id}/{name}"
    await storage.upload_file(
        key,
        file,
        content_type=content_type,
        content_disposition=content_disposition(name),
    )
    response.headers["Location"] = f"{request.scope['path']}/{attachment_id}"
    return described(await storage.stat(key))


@router.get("", responses=error_responses(ExampleNotFound, *STORAGE_ERRORS))
async def list_attachments(example_id: ExistingExampleId, storage: StorageDep) -> list[Attachment]:
    """List the example's files, the oldest first."""
    listed = storage.list_objects(f"examples/{example_id}/")
    attachments = [described(stored) async for stored in listed if is_attachment(stored)]
    return sorted(attachments, key=lambda attachment: attachment.uploaded_at)


@router.get(
    "/{attachment_id}",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": dict.fromkeys(DOWNLOAD_TYPES, FILE)},
        206: {"description": "A range of it.", "content": dict.fromkeys(DOWNLOAD_TYPES, FILE)},
        **error_responses(
            ExampleNotFound,
            AttachmentNotFound,
            RangeNotSatisfiable,
            *STORAGE_ERRORS,
        ),
    },
)
async def download_attachment(
    stored: StoredAttachment,
    request: Request,
    storage: StorageDep,
) -> StreamingResponse:
    """Send the file, or a range of it, as a download, which browsers save and never run."""
    return await send_download(storage, stored, request, described(stored).name)


@router.get(
    "/{attachment_id}/url",
    responses=error_responses(ExampleNotFound, AttachmentNotFound, *STORAGE_ERRORS),
)
async def share_attachment(stored: StoredAttachment, storage: StorageDep) -> AttachmentUrl:
    """Return a URL at the storage itself, where anybody may download the file for a while."""
    url = await storage.generate_presigned_url(stored.key, expires_in=URL_SECONDS)
    return AttachmentUrl(url=url, expires_in=URL_SECONDS)


@router.delete(
    "/{attachment_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(ExampleNotFound, AttachmentNotFound, *STORAGE_ERRORS),
)
async def delete_attachment(stored: StoredAttachment, storage: StorageDep) -> None:
    """Delete the file."""
    await storage.delete_file(stored.key)


def is_attachment(stored: StoredObject) -> bool:
    """Return whether this service put the object there: others may put anything beside it."""
    return KEY.fullmatch(stored.key) is not None


def described(stored: StoredObject) -> Attachment:
    """Return what callers see of a stored file."""
    _, _, attachment_id, name = stored.key.split("/")
    return Attachment(
        id=UUID(attachment_id),
        name=name,
        size=stored.size,
        uploaded_at=stored.modified_at,
    )

"""Files attached to an example, kept in the object storage.

They stay there when their example is deleted; nobody reaches them any more.
"""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from app.common.file_folder import (
    DOWNLOAD_ERRORS,
    UPLOAD_ERRORS,
    FileFolder,
    FileNotStored,
    FileRules,
    FileUrl,
    StoredFile,
)
from app.common.oss import StorageDep
from app.core.errors import raises
from app.features.example.errors import ExampleNotFound
from app.features.example.repositories import ExampleReaderDep

MAX_BYTES: Final = 20 * 1024 * 1024
TYPES: Final = ("application/pdf", "image/jpeg", "image/png", "text/csv", "text/plain")
RULES: Final = FileRules(MAX_BYTES, TYPES)

router = APIRouter(prefix="/examples/{example_id}/attachments", tags=["attachments"])


@raises(ExampleNotFound)
async def attachments_of(
    example_id: UUID,
    examples: ExampleReaderDep,
    storage: StorageDep,
) -> FileFolder:
    """Return the folder of an example that exists."""
    await examples.read(example_id)
    return FileFolder(storage, f"examples/{example_id}", RULES)


AttachmentsDep = Annotated[FileFolder, Depends(attachments_of)]


@router.post("", **RULES.upload_route())
@raises(*UPLOAD_ERRORS)
async def upload_attachment(
    file: UploadFile,
    attachments: AttachmentsDep,
    request: Request,
    response: Response,
) -> StoredFile:
    """Attach a file, 20 MiB at most; Location says where it is."""
    attachment = await attachments.add(file)
    response.headers["Location"] = f"{request.scope['path']}/{attachment.id}"
    return attachment


@router.get("")
async def list_attachments(attachments: AttachmentsDep) -> list[StoredFile]:
    """List the example's files, the oldest first."""
    return await attachments.list()


@router.get("/{attachment_id}", **RULES.download_route())
@raises(*DOWNLOAD_ERRORS)
async def download_attachment(
    attachment_id: UUID,
    attachments: AttachmentsDep,
    request: Request,
) -> StreamingResponse:
    """Send the file, or a range of it, as a download."""
    return await attachments.send(attachment_id, request)


@router.get("/{attachment_id}/url")
@raises(FileNotStored)
async def share_attachment(attachment_id: UUID, attachments: AttachmentsDep) -> FileUrl:
    """Return a URL at the storage itself, where anybody may download the file for a while."""
    return await attachments.share(attachment_id)


@router.delete("/{attachment_id}", status_code=204)
@raises(FileNotStored)
async def delete_attachment(attachment_id: UUID, attachments: AttachmentsDep) -> None:
    """Delete the file."""
    await attachments.delete(attachment_id)

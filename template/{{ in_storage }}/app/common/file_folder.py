"""Uploaded files in a folder of the object storage: what is accepted, and how it is kept.

The key `<folder>/<id>/<name>` is the only record of a file.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from app.common.downloads import RangeNotSatisfiable, content_disposition, send_download
from app.common.file_types import BEGINNING, can_be
from app.common.oss import ObjectStorage
from app.common.stored_objects import StoredObject, safe_file_name
from app.common.time_limit import time_limit
from app.core.errors import NotFound, PayloadTooLarge, UnsupportedMedia

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORM_OVERHEAD: Final = 16 * 1024  # boundaries and headers around the file
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


class FileNotStored(NotFound):
    """No file has this id."""


class FileTypeRefused(UnsupportedMedia):
    """Files of this type are not accepted."""


UPLOAD_ERRORS: Final = (PayloadTooLarge, FileTypeRefused)
DOWNLOAD_ERRORS: Final = (FileNotStored, RangeNotSatisfiable)


class StoredFile(BaseModel):
    """A stored file."""

    id: UUID
    name: str
    size: int = Field(description="Bytes.")
    uploaded_at: datetime


class FileUrl(BaseModel):
    """A URL that needs no credentials."""

    url: str
    expires_in: int = Field(description="Seconds.")


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files are accepted.

    Attributes:
        max_bytes: the size of the largest.
        types: their content types.
        upload_seconds: how long storing one may take.
    """

    max_bytes: int
    types: tuple[str, ...]
    upload_seconds: float = 300

    def upload_route(self) -> dict[str, Any]:
        """Return the options of a route with a file: `@router.post("", **RULES.upload_route())`."""
        encoding = {"file": {"contentType": ", ".join(self.types)}}
        return {
            "status_code": 201,
            "max_body_size": self.max_bytes + _FORM_OVERHEAD,
            "dependencies": [time_limit(self.upload_seconds)],
            "openapi_extra": {
                "requestBody": {"content": {"multipart/form-data": {"encoding": encoding}}},
            },
        }

    def download_route(self) -> dict[str, Any]:
        """Return the options of a route that sends a file."""
        # Client generators take the first type that they know; this one gives them bytes.
        content = dict.fromkeys(("application/octet-stream", *self.types), _BINARY)
        return {
            "response_class": StreamingResponse,
            "responses": {
                200: {"description": "The file.", "content": content},
                206: {"description": "A range of it.", "content": content},
            },
        }

    async def check(self, file: UploadFile) -> str:
        """Return the content type of an accepted file; raises one of `UPLOAD_ERRORS`."""
        content_type = (file.content_type or "").partition(";")[0].strip().lower()
        if content_type not in self.types:
            raise FileTypeRefused
        if file.size is None or file.size > self.max_bytes:
            raise PayloadTooLarge(f"A file may have {self.max_bytes} bytes at most.")
        if not can_be(content_type, await file.read(BEGINNING)):
            raise FileTypeRefused("The file is not what its Content-Type says.")
        await file.seek(0)
        return content_type


class FileFolder:
    """The files below `path`. Objects that others put there are left out."""

    def __init__(self, storage: ObjectStorage, path: str, rules: FileRules) -> None:
        self.path = path
        self._storage = storage
        self._rules = rules
        self._key = re.compile(rf"{re.escape(path)}/({_UUID})/([^/]+)")

    async def add(self, file: UploadFile) -> StoredFile:
        """Store an upload; raises one of `UPLOAD_ERRORS`."""
        content_type = await self._rules.check(file)
        name = safe_file_name(file.filename or "")
        key = f"{self.path}/{uuid4()}/{name}"
        await self._storage.upload_file(
            key,
            file,
            content_type=content_type,
            content_disposition=content_disposition(name),
        )
        return self._described(await self._storage.stat(key))

    async def list(self) -> list[StoredFile]:
        """Return the files, the oldest first."""
        files = [self._described(stored) async for stored in self._stored()]
        return sorted(files, key=lambda file: file.uploaded_at)

    async def send(self, file_id: UUID, request: Request) -> StreamingResponse:
        """Send a file, or a range of it, as a download; raises one of `DOWNLOAD_ERRORS`.

        Browsers save a download and never run it.
        """
        stored = await self._find(file_id)
        return await send_download(self._storage, stored, request, self._described(stored).name)

    async def share(self, file_id: UUID, expires_in: int = 300) -> FileUrl:
        """Return a URL at the storage, where anybody may download a file for some seconds."""
        stored = await self._find(file_id)
        url = await self._storage.generate_presigned_url(stored.key, expires_in=expires_in)
        return FileUrl(url=url, expires_in=expires_in)

    async def delete(self, file_id: UUID) -> None:
        """Delete a file; raises `FileNotStored`."""
        await self._storage.delete_file((await self._find(file_id)).key)

    async def _find(self, file_id: UUID) -> StoredObject:
        async for stored in self._stored(f"{file_id}/"):
            return stored
        raise FileNotStored

    async def _stored(self, below: str = "") -> AsyncIterator[StoredObject]:
        async for stored in self._storage.list_objects(f"{self.path}/{below}"):
            if self._key.fullmatch(stored.key):
                yield stored

    def _described(self, stored: StoredObject) -> StoredFile:
        match = self._key.fullmatch(stored.key)
        assert match is not None  # noqa: S101 (every caller has looked)
        return StoredFile(
            id=UUID(match[1]),
            name=match[2],
            size=stored.size,
            uploaded_at=stored.modified_at,
        )

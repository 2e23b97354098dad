"""Responses with stored files: the whole file, or the range of a Range header."""

import re
import unicodedata
from datetime import UTC
from email.utils import format_datetime
from typing import ClassVar, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import StreamingResponse

from app.common.oss import ObjectStorage
from app.common.stored_objects import StoredObject
from app.core.errors import DomainError

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class RangeNotSatisfiable(DomainError):
    """The file has no bytes in this range."""

    status: ClassVar[int] = 416


def content_disposition(name: str) -> str:
    """Return the Content-Disposition that makes browsers save a file as `name`.

    `filename` is for clients that do not know `filename*`, such as curl.
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r'[^ -~]|["%\\]', "_", plain)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def send_download(
    storage: ObjectStorage,
    stored: StoredObject,
    request: Request,
    name: str,
) -> StreamingResponse:
    """Send a stored object as a download called `name`, or the requested range of it.

    As HTTP allows, a request for several ranges, or with another ETag, gets the whole file.

    Raises:
        RangeNotSatisfiable: the range starts after the end of the file.
    """
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(name),
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(stored.modified_at.astimezone(UTC), usegmt=True),
    }
    part = None
    if request.headers.get("if-range") in {None, headers["ETag"], headers["Last-Modified"]}:
        part = _requested_range(request.headers.get("range", ""), stored.size)
    download = await storage.download_file(stored.key, part)
    headers["Content-Length"] = str(download.size)
    headers["Content-Type"] = download.content_type
    if part is None:
        return StreamingResponse(download, headers=headers)
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{stored.size}"
    return StreamingResponse(download, status_code=206, headers=headers)


def _requested_range(header: str, size: int) -> range | None:
    """Return the requested bytes; None for all, also if the header is invalid."""
    match = _RANGE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        part = range(max(0, size - int(last)), size)
    elif last and int(last) < int(first):
        return None
    else:
        part = range(int(first), min(size, int(last) + 1) if last else size)
    if not part:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return part

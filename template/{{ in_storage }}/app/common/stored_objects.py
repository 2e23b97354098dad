"""Stored objects and downloads, and the validation of keys."""

import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.common.storage_client import CHUNK_SIZE, storage_errors
from app.core.errors import Unprocessable

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody

MAX_KEY_BYTES: Final = 1024
MAX_NAME_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The metadata of an object: its key below S3_PREFIX, its size in bytes."""

    key: str
    size: int
    etag: str
    modified_at: datetime


class Download:
    """A streamed object: iterate over it once for its bytes, or close it."""

    def __init__(self, size: int, content_type: str, body: "StreamingBody") -> None:
        self.size = size
        self.content_type = content_type
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield chunks of at most 256 KiB; raises `StorageUnavailable` if the stream breaks off."""
        try:
            while True:
                with storage_errors():
                    chunk = await self._body.read(CHUNK_SIZE)
                if not chunk:
                    return
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection of a download that is not read to its end."""
        self._body.close()


class InvalidObjectKey(Unprocessable):
    """An object's key must be relative, without empty, `.` or `..` parts or control characters."""


def full_key(root: str, key: str) -> str:
    """Return `key` with the prefix `root` (`prefix/` or empty).

    Raises:
        InvalidObjectKey: the key is empty, absolute or over 1,024 bytes in UTF-8, leaves the root,
            or holds a backslash or a control character.
    """
    if any(part in {"", ".", ".."} for part in key.split("/")):
        raise InvalidObjectKey
    if "\\" in key or any(unicodedata.category(char) in {"Cc", "Cs"} for char in key):
        raise InvalidObjectKey
    full = root + key
    if len(full.encode()) > MAX_KEY_BYTES:
        raise InvalidObjectKey
    return full


def is_key(root: str, key: str) -> bool:
    """Return whether `full_key` accepts `key`."""
    try:
        full_key(root, key)
    except InvalidObjectKey:
        return False
    return True


def safe_file_name(name: str) -> str:
    """Return a client's file name as a safe last part of a key.

    Folders and invisible characters are removed, and characters that Windows forbids become `_`. At
    most 200 bytes in UTF-8, cut before the suffix; `file` if nothing is left.
    """
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    name = "".join(char for char in name if unicodedata.category(char)[0] != "C")
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 16:
        stem, dot, suffix = name, "", ""
    room = MAX_NAME_BYTES - len(f"{dot}{suffix}".encode())
    stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}{dot}{suffix}" or "file"

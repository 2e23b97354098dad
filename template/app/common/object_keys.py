"""Names of stored objects: which keys are allowed, and where they stand in the bucket."""

import re
import unicodedata
from typing import Final

from app.core.errors import Unprocessable

MAX_KEY_BYTES: Final = 1024
MAX_NAME_BYTES: Final = 200


class InvalidObjectKey(Unprocessable):
    """An object's key must be relative, without empty, `.` or `..` parts or control characters."""


def full_key(root: str, key: str) -> str:
    """Return `key` as the bucket knows it, below `root` (`prefix/` or nothing).

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


def safe_file_name(name: str) -> str:
    """Return the file name that somebody sent as one part of a key.

    Folders and invisible characters are dropped, and what Windows refuses becomes `_`. At most 200
    bytes in UTF-8, cut before the suffix; `file` where nothing is left.
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

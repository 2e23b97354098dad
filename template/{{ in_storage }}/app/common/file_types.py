"""Whether a file is what its sender says, by the bytes that it begins with."""

import re
from typing import Final

BEGINNING: Final = 512
"""Bytes that are looked at."""

# What files of a type begin with; a type that is not here has no such mark.
_MARKS: Final = {
    "application/gzip": re.compile(rb"\x1f\x8b"),
    "application/pdf": re.compile(rb"%PDF-"),
    "application/zip": re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}


def can_be(content_type: str, beginning: bytes) -> bool:
    """Return whether a file of this type may begin so.

    Args:
        content_type: in lower case and without parameters, such as `image/png`.
        beginning: the file's first bytes, up to `BEGINNING` of them.
    """
    if content_type.startswith("text/"):
        return b"\0" not in beginning  # UTF-16 apart, which nothing reads without being told
    mark = _MARKS.get(content_type)
    return mark is None or mark.match(beginning) is not None

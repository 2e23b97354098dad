"""Check a file's declared type against its first bytes."""

import re
from typing import Final

BEGINNING: Final = 512
"""Number of bytes to check."""

# The first bytes of files by type; other types have no signature.
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
    """Return whether a file of this type may start with these bytes.

    Args:
        content_type: in lower case and without parameters, such as `image/png`.
        beginning: the file's first bytes, up to `BEGINNING` of them.
    """
    if content_type.startswith("text/"):
        return b"\0" not in beginning  # except UTF-16, which is not supported
    mark = _MARKS.get(content_type)
    return mark is None or mark.match(beginning) is not None

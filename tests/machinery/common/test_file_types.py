"""Whether a file is what its sender says."""

import pytest

from app.common.file_types import can_be

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
WEBP = b"RIFF\x24\x0a\0\0WEBPVP8 "


@pytest.mark.parametrize(
    ("content_type", "beginning"),
    [
        ("application/gzip", b"\x1f\x8b\x08"),
        ("application/pdf", b"%PDF-1.7"),
        ("application/zip", b"PK\x03\x04"),
        ("application/zip", b"PK\x05\x06"),
        ("image/gif", b"GIF89a"),
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/png", PNG),
        ("image/webp", WEBP),
        ("text/csv", b"name,\xc3\xa4\n"),
        ("text/plain", b""),
        ("application/vnd.of-your-own", b"anything"),
    ],
)
def test_a_file_that_begins_as_its_type_does_can_be_of_it(
    content_type: str,
    beginning: bytes,
) -> None:
    assert can_be(content_type, beginning)


@pytest.mark.parametrize(
    ("content_type", "beginning"),
    [
        ("application/pdf", b"<script>"),
        ("application/zip", b""),
        ("image/jpeg", PNG),
        ("image/png", b"\n" + PNG),
        ("image/webp", WEBP.replace(b"WEBP", b"WAVE")),
        ("text/plain", b"MZ\x90\0"),
    ],
)
def test_a_file_that_begins_otherwise_cannot(content_type: str, beginning: bytes) -> None:
    assert not can_be(content_type, beginning)

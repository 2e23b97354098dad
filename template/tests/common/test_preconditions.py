"""What an If-Match header asks for."""

import pytest

from app.common.preconditions import InvalidIfMatch, etag, expected_version


@pytest.mark.parametrize(
    ("if_match", "version"),
    [(None, None), ("*", None), (etag(7), 7), (' "7" ', 7), (f"W/{etag(7)}", 7)],
)
async def test_one_etag_names_a_version_and_a_star_any(
    if_match: str | None,
    version: int | None,
) -> None:
    assert await expected_version(if_match) == version


@pytest.mark.parametrize("if_match", ["", "7", '""', '"x"', '"1", "2"', '"1234567890"', '"٣"'])
async def test_anything_else_is_refused(if_match: str) -> None:
    with pytest.raises(InvalidIfMatch):
        await expected_version(if_match)

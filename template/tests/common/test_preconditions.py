"""What an If-Match header asks for."""

import re

import pytest

from app.common.preconditions import ExpectedVersionDep, InvalidIfMatch, etag, expected_version
from tests.asgi import small_app


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


def test_the_document_says_what_an_if_match_looks_like() -> None:
    app = small_app()

    @app.get("/books")
    async def books(version: ExpectedVersionDep) -> None: ...

    (parameter,) = app.openapi()["paths"]["/books"]["get"]["parameters"]
    star, pattern = parameter["schema"]["anyOf"]
    is_etag = re.compile(pattern["pattern"]).search
    assert star == {"const": "*"}
    assert all(map(is_etag, (etag(7), f"W/{etag(7)}")))
    assert not any(map(is_etag, ("", "7", '""', '"1", "2"', "null")))

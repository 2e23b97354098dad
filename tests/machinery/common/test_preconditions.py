"""What an If-Match header asks for."""

import re

import pytest
from starlette.requests import Request

from app.common.preconditions import (
    ExpectedVersionDep,
    InvalidIfMatch,
    etag,
    expected_version,
    is_expected,
)
from tests.asgi import small_app


def request_with(lines: list[str]) -> Request:
    headers = [(b"if-match", line.encode("latin-1")) for line in lines]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("lines", "versions"),
    [
        ([], None),
        (["*"], None),
        ([" * "], None),
        ([etag(7)], {7}),
        ([f" {etag(7)} "], {7}),
        (['"998", "7"'], {998, 7}),
        (['"998",,"7",'], {998, 7}),
        (['"998"', '"7"'], {998, 7}),
        (['"abc"'], set()),
        (['"a,b","7"'], {7}),
        (['""', '"07"', '"1234567890"', '"\xe9"'], set()),
        (['W/"7"'], set()),
        (['W/"7", "8"'], {8}),
    ],
)
async def test_a_list_of_etags_names_versions_and_a_star_any(
    lines: list[str],
    versions: set[int] | None,
) -> None:
    expected = await expected_version(request_with(lines))

    assert expected == versions
    assert is_expected(7, expected) == (versions is None or 7 in versions)


@pytest.mark.parametrize("line", ["", "7", ",", '"7', '"7" "8"', '*, "7"', 'w/"7"', "'7'"])
async def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(InvalidIfMatch):
        await expected_version(request_with([line]))


def test_the_document_says_what_an_if_match_looks_like() -> None:
    app = small_app()

    @app.get("/books")
    async def books(version: ExpectedVersionDep) -> None: ...

    (parameter,) = app.openapi()["paths"]["/books"]["get"]["parameters"]
    assert (parameter["name"], parameter["schema"]["type"]) == ("If-Match", "string")
    assert "anyOf" not in parameter["schema"]  # else client generators leave the operation out
    is_documented = re.compile(parameter["schema"]["pattern"]).search
    assert all(map(is_documented, ("*", etag(7), f"W/{etag(7)}", f"{etag(7)}, {etag(8)}")))
    assert not any(map(is_documented, ("", "7", f"{etag(7)} {etag(8)}", "null")))

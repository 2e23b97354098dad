"""ETags and If-Match: a client changes only the version of a thing that it has seen."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header, Request

from app.core.errors import Unprocessable, raises

_TAG: Final = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS: Final = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_VERSION: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"')
_DOCUMENTED: Final = r'(W/)?"[!#-~]*"'
# One pattern, because client generators drop operations whose headers have several types.
_SCHEMA: Final = {"type": "string", "pattern": rf"^(\*|{_DOCUMENTED}(, *{_DOCUMENTED})*)$"}


class InvalidIfMatch(Unprocessable):
    """If-Match must be *, or ETags in their quotation marks, separated by commas."""


def etag(version: int) -> str:
    """Return the ETag of the version with this number."""
    return f'"{version}"'


@raises(InvalidIfMatch)
async def expected_version(
    request: Request,
    _if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag of the version to change; anything newer is left alone.",
            json_schema_extra=_SCHEMA,
        ),
    ] = None,
) -> frozenset[int] | None:
    """Return the versions of which the client wants to change one, None if any.

    A weak ETag names none, nor does one that this service cannot have given: RFC 9110 compares
    strongly here.

    Raises:
        InvalidIfMatch: the header is neither `*` nor a list of ETags.
    """
    lines = request.headers.getlist("if-match")  # of several lines a parameter has one
    value = ",".join(lines).strip()
    if not lines or value == "*":
        return None
    if _TAGS.fullmatch(value) is None:
        raise InvalidIfMatch
    tags = re.findall(_TAG, value)
    return frozenset(int(match[1]) for match in map(_VERSION.fullmatch, tags) if match)


def is_expected(version: int, versions: frozenset[int] | None) -> bool:
    """Return whether `version` is one that the client wants to change."""
    return versions is None or version in versions


ExpectedVersionDep = Annotated[frozenset[int] | None, Depends(expected_version)]

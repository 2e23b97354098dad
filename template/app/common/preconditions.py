"""ETags and If-Match: a client changes an object only if it has seen the current version."""

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
    """If-Match must be *, or quoted ETags separated by commas."""


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
            description="The ETag of the version to change; 412 if the current one differs.",
            json_schema_extra=_SCHEMA,
        ),
    ] = None,
) -> frozenset[int] | None:
    """Return the versions that If-Match allows; None allows any.

    Weak ETags and unknown ETags match nothing: RFC 9110 requires the strong comparison here.

    Raises:
        InvalidIfMatch: the header is neither `*` nor a list of ETags.
    """
    lines = request.headers.getlist("if-match")  # a parameter would only have one of several lines
    value = ",".join(lines).strip()
    if not lines or value == "*":
        return None
    if _TAGS.fullmatch(value) is None:
        raise InvalidIfMatch
    tags = re.findall(_TAG, value)
    return frozenset(int(match[1]) for match in map(_VERSION.fullmatch, tags) if match)


def is_expected(version: int, versions: frozenset[int] | None) -> bool:
    """Return whether `versions` allow `version`."""
    return versions is None or version in versions


ExpectedVersionDep = Annotated[frozenset[int] | None, Depends(expected_version)]

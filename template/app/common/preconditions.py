"""ETags and If-Match: a client changes only the version of a thing that it has seen."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header

from app.core.errors import Unprocessable

# Proxies that compress make a strong ETag a weak one.
_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_ETAG_SCHEMA: Final = {"type": "string", "pattern": f"^{_ETAG.pattern}$"}


class InvalidIfMatch(Unprocessable):
    """If-Match must be an ETag that this service gave, such as "3", or *."""


def etag(version: int) -> str:
    """Return the ETag of the version with this number."""
    return f'"{version}"'


async def expected_version(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of the version to change; anything newer is left alone.",
            json_schema_extra={"anyOf": [{"const": "*"}, _ETAG_SCHEMA]},
        ),
    ] = None,
) -> int | None:
    """Return the version that the client wants to change, None if any.

    Raises:
        InvalidIfMatch: the header is neither one ETag nor `*`.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise InvalidIfMatch
    return int(match[1])


ExpectedVersionDep = Annotated[int | None, Depends(expected_version)]

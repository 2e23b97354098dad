"""Parse and validate server addresses. Errors repeat no secret."""

import re
from typing import Final
from urllib.parse import unquote

_ENCODE: Final = (
    "a character has a special meaning in an address; percent-encode it in the user name, the "
    "password and the parameters: @ is %40, / is %2F, : is %3A, # is %23, ? is %3F, % is %25, a "
    "comma is %2C, a space is %20"
)


def split_address(address: str) -> tuple[str, str, str, str, str]:
    """Return the scheme, credentials, hosts with ports, path and query, each still encoded.

    Raises:
        ValueError: a part holds a character that must be encoded, or a port is not a number.
    """
    scheme, _, rest = address.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    beyond = rest.removeprefix(authority)
    is_broken = authority.count("@") > 1 or re.search(r"[@#]", beyond)
    if is_broken or re.search(r"%(?![0-9A-Fa-f]{2})|\s", rest):
        raise ValueError(_ENCODE)
    credentials, _, hosts = authority.rpartition("@")
    for host in hosts.split(","):
        _, colon, port = host.rpartition("]")[2].partition(":")
        if colon and not (port.isdecimal() and 1 <= int(port) <= 65535):
            raise ValueError(f"a port must be a number, 1-65535; or {_ENCODE}")
    path, _, query = beyond.partition("?")
    return scheme, credentials, hosts, path, query


def credentials_of(address: str) -> tuple[str | None, str | None]:
    """Return the decoded user name and password of `address`; None for a missing one."""
    user, colon, password = split_address(address)[1].partition(":")
    return unquote(user) or None, unquote(password) if colon else None


def without_credentials(address: str) -> str:
    """Return `address` without user name and password."""
    scheme, _, hosts, path, query = split_address(address)
    return f"{scheme}://{hosts}{path}{'?' if query else ''}{query}"

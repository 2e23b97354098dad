"""Types of settings: input is normalized, or rejected with a sentence."""

import json
import re
from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_settings import NoDecode

_OF_KUBERNETES: Final = re.compile(r"(?:tcp|udp|sctp)://")
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#@*\s:]+|\[[0-9a-f:.]+\])(?::([0-9]+))?/?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
# The first parts of the service's own paths: a prefix that is one could not be told from them.
_OWN_PATHS: Final = frozenset({"docs", "health", "metrics", "openapi.json", "redoc"})

Seconds = Annotated[float, Field(gt=0)]


def _port(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and _OF_KUBERNETES.match(value):
        service = (info.field_name or "").removesuffix("_PORT").lower().replace("_", "-")
        raise ValueError(
            f"Kubernetes set it to an address, because there is a Service named {service}; "
            "set `enableServiceLinks: false` in the pod's spec, or rename the Service",
        )
    return value


def _items(value: object) -> object:
    """Parse a comma-separated list or a JSON list."""
    if not isinstance(value, str):
        return value
    if value.strip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            pass  # an IPv6 address
    return [part.strip() for part in value.split(",") if part.strip()]


def _hosts(hosts: list[str]) -> list[str]:
    hosts = [host.lower().removesuffix(".") for host in hosts]
    for host in hosts:
        if host != "*" and not _HOST.fullmatch(host):
            raise ValueError(
                f"{_shown(host)} is no host; write names such as api.example.com or "
                "*.example.com, without a scheme, a port or a path",
            )
    return hosts


def _origins(origins: list[str]) -> list[str]:
    """Normalize each origin to the form that browsers send, since origins are compared as text."""
    return [origin if origin == "*" else _origin(origin) for origin in origins]


def _origin(origin: str) -> str:
    match = _ORIGIN.fullmatch(origin.lower())
    if match is None:
        raise ValueError(
            f"{_shown(origin)} is no origin; write such as https://app.example.com, "
            "without a path and without a wildcard",
        )
    scheme, host, port = match.groups()
    has_port = port not in {None, _DEFAULT_PORTS.get(scheme)}
    return f"{scheme}://{host}:{port}" if has_port else f"{scheme}://{host}"


def _proxies(proxies: list[str]) -> list[str]:
    for proxy in proxies:
        try:
            _ = proxy == "*" or ip_network(proxy)
        except ValueError:
            raise ValueError(
                f"{_shown(proxy)} is no address; write such as 10.0.0.7 or 10.0.0.0/8, or *",
            ) from None
    return ["*"] if "*" in proxies else proxies


def _prefix(prefix: str) -> str:
    prefix = prefix.rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("this is no path; write such as /orders")
    if (first := prefix.split("/")[1:2]) and first[0] in _OWN_PATHS:
        raise ValueError(f"the service has paths of its own below /{first[0]}; choose another")
    return prefix


def _shown(text: str) -> str:
    """Return `text` for a message, shortened and without credentials."""
    return repr(text.rpartition("@")[2][:80])


Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_port)]
CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_items)]
Hosts = Annotated[CommaSeparated, AfterValidator(_hosts)]
Origins = Annotated[CommaSeparated, AfterValidator(_origins)]
Proxies = Annotated[CommaSeparated, AfterValidator(_proxies)]
PathPrefix = Annotated[str, AfterValidator(_prefix)]

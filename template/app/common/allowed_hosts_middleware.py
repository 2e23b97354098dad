"""Reject requests whose Host header is not allowed."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from app.common.error_handlers import failure_response
from app.common.root_path import route_path
from app.core.errors import BadRequest


class UnknownHost(BadRequest):
    """This service does not answer for the host of this request."""


class AllowedHostsMiddleware:
    """Responds with 400 unless the Host header matches one of `hosts`: `name`, `*.name` or `*`.

    Health endpoints accept any host: probes only know the address.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        lowered = [host.lower() for host in hosts]
        self._allows_any = "*" in lowered
        self._names = frozenset(lowered)
        self._endings = tuple(host[1:] for host in lowered if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_allowed(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await failure_response(scope, UnknownHost())(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _is_allowed(self, scope: Scope) -> bool:
        if self._allows_any or route_path(scope).startswith("/health/"):
            return True
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        name = _without_port(host.decode("latin-1").lower())
        return name in self._names or name.endswith(self._endings)


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host

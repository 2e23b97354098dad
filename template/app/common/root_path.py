"""The path prefix of a proxy: ROOT_PATH, or uvicorn's `--root-path`."""

from starlette.types import ASGIApp, Receive, Scope, Send


def route_path(scope: Scope) -> str:
    """Return the path of a request without the prefix, as routes declare it."""
    path: str = scope["path"]
    prefix = scope.get("root_path", "")
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path


class RootPathMiddleware:
    """Sets the prefix in the scope, whether the proxy keeps it in the path or strips it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and not scope.get("root_path"):
            scope["root_path"] = self._prefix
            if not scope["path"].startswith(f"{self._prefix}/"):
                scope["path"] = self._prefix + scope["path"]
                scope["raw_path"] = self._prefix.encode() + (scope.get("raw_path") or b"")
        await self.app(scope, receive, send)

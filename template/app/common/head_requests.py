"""HEAD for every GET route: the same status and headers, without a body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.allow_header import route_methods


class HeadMiddleware:
    """Serves HEAD through the GET route; a route that declares HEAD handles it itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        # Range requests are defined for GET only.
        headers = [header for header in scope["headers"] if header[0] != b"range"]
        scope = {**scope, "headers": headers}
        if not _answers_get(scope):
            await self.app(scope, receive, send)
            return
        is_complete = False

        async def send_without_body(message: Message) -> None:
            nonlocal is_complete
            if is_complete:
                return
            await send(message)
            if message["type"] == "http.response.start":
                is_complete = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        as_get = {
            **scope,
            "method": "GET",
            # Up to this version the framework ends a stream when the server reports that the
            # response is complete; later versions wait for an error from `send`.
            "asgi": {**scope.get("asgi", {}), "spec_version": "2.3"},
        }
        await self.app(as_get, receive, send_without_body)


def _answers_get(scope: Scope) -> bool:
    methods = route_methods(scope)
    return "GET" in methods and "HEAD" not in methods

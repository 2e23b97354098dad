"""Puts the answers of API routes into the envelope, without reading or rewriting their bodies."""

from typing import Final

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.response_envelope import envelope_parts, is_left_as_it_is

# Marks of a download, a file or an encoded body, around which nothing can be put.
_NOT_PLAIN: Final = frozenset(
    {b"content-disposition", b"content-encoding", b"content-range", b"accept-ranges"},
)


class ResponseEnvelopeMiddleware:
    """Wraps JSON that an API route of this application sends in one piece, and nothing else.

    Streams pass through as they come. Errors bring their envelope (see `app/core/errors.py`), and
    a route may ask for none (see `without_envelope`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        application = scope.get("app")
        held_start: Message | None = None

        async def send_wrapped(message: Message) -> None:
            nonlocal held_start
            if message["type"] == "http.response.start":
                # A mounted application has put itself into the scope; its answers are its own.
                if scope.get("app") is application and _is_to_wrap(scope, message):
                    held_start = message  # its content-length is known with the body
                    return
            elif held_start is not None:
                start, held_start = held_start, None
                body = message.get("body", b"")
                if body and not message.get("more_body", False):
                    message = _wrap(start, body)
                await send(start)
            await send(message)

        await self.app(scope, receive, send_wrapped)


def _is_to_wrap(scope: Scope, start: Message) -> bool:
    if is_left_as_it_is(scope) or not isinstance(scope.get("route"), APIRoute):
        return False
    if 300 <= start["status"] < 400:
        return False
    is_json = False
    for name, value in start.get("headers", ()):
        if name in _NOT_PLAIN:
            return False
        if name == b"content-type":
            is_json = value == b"application/json" or value.startswith(b"application/json;")
    return is_json


def _wrap(start: Message, body: bytes) -> Message:
    """Return the body's message in the envelope, and correct the length in `start`."""
    before, after = envelope_parts(start["status"])
    wrapped = before + body + after
    headers = [header for header in start["headers"] if header[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(wrapped)))
    start["headers"] = headers
    return {"type": "http.response.body", "body": wrapped}

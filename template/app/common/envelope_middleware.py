"""Wrap the responses of API routes in the envelope, without parsing or copying their bodies."""

import re
from typing import Final

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.response_envelope import (
    created_envelope,
    envelope_parts,
    envelope_scope,
    is_envelope_type,
    skips_envelope,
)

# Responses that cannot be wrapped: downloads, files, encoded bodies.
_NOT_PLAIN: Final = frozenset(
    {b"content-disposition", b"content-encoding", b"content-range", b"accept-ranges"},
)
_ENVELOPE_START: Final = re.compile(rb'\s*\{\s*"code"\s*:')


class ResponseEnvelopeMiddleware:
    """Wraps only JSON bodies that an API route of this application sends in one message.

    Streams pass through unchanged. Error responses and a returned `ResponseEnvelope` are envelopes
    already. A route may skip the envelope with `without_envelope`.
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
                # A mounted application sets itself in the scope; its responses are not wrapped.
                if scope.get("app") is application and _may_wrap(scope, message):
                    held_start = message  # its content-length is known with the body
                    return
            elif held_start is not None:
                start, held_start = held_start, None
                body = message.get("body", b"")
                is_whole = body and not message.get("more_body", False)
                if is_whole and not _is_envelope(scope, body):
                    message = _wrap(start, body)
                await send(start)
            await send(message)

        token = envelope_scope.set(scope)
        try:
            await self.app(scope, receive, send_wrapped)
        finally:
            envelope_scope.reset(token)


def _may_wrap(scope: Scope, start: Message) -> bool:
    route = scope.get("route")
    if skips_envelope(scope) or not isinstance(route, APIRoute):
        return False
    if is_envelope_type(route.response_model) or 300 <= start["status"] < 400:
        return False
    is_json = False
    for name, value in start.get("headers", ()):
        if name in _NOT_PLAIN:
            return False
        if name == b"content-type":
            is_json = value == b"application/json" or value.startswith(b"application/json;")
    return is_json


def _is_envelope(scope: Scope, body: bytes) -> bool:
    # Both are needed: data may look like an envelope, and a handler may create an unrelated one.
    return created_envelope(scope) and _ENVELOPE_START.match(body) is not None


def _wrap(start: Message, body: bytes) -> Message:
    """Return the body's message in the envelope, and correct the length in `start`."""
    before, after = envelope_parts(start["status"])
    wrapped = before + body + after
    headers = [header for header in start["headers"] if header[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(wrapped)))
    start["headers"] = headers
    return {"type": "http.response.body", "body": wrapped}

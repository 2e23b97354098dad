"""Small applications of a test's own, and how to talk to them without a server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.common.envelope_middleware import ResponseEnvelopeMiddleware
from app.common.error_handlers import install_error_handlers
from app.common.head_requests import HeadMiddleware
from app.common.openapi import document_envelopes
from app.common.request_context import RequestContextMiddleware

Message = MutableMapping[str, Any]


def small_app() -> FastAPI:
    """Return an application without routes that answers as the service does."""
    app = FastAPI()
    app.add_middleware(ResponseEnvelopeMiddleware)
    app.add_middleware(RequestContextMiddleware)
    app.add_middleware(HeadMiddleware)
    install_error_handlers(app)
    document_envelopes(app)
    return app


def client_of(app: ASGIApp) -> httpx2.AsyncClient:
    """Return a client of `app`, whose lifespan stays closed."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


async def get(app: ASGIApp, path: str, send: Callable[[Message], Awaitable[None]]) -> None:
    """Request `path` and hand over every message of the answer as it comes."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, send)

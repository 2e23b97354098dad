"""Small applications of a test's own, and how to talk to them without a server."""

import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.common.envelope_middleware import ResponseEnvelopeMiddleware
from app.common.error_handlers import install_error_handlers
from app.common.head_requests import HeadMiddleware
from app.common.openapi import document_envelopes
from app.common.request_context import RequestContextMiddleware


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

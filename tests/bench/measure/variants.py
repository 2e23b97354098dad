"""The service with a part taken out, to see what that part costs."""

from fastapi import FastAPI

from app.common.envelope_middleware import ResponseEnvelopeMiddleware
from app.main import create_app


def without_envelope() -> FastAPI:
    """Return the service with bare answers."""
    app = create_app()
    name = ResponseEnvelopeMiddleware.__name__
    app.user_middleware = [
        layer for layer in app.user_middleware if getattr(layer.cls, "__name__", "") != name
    ]
    return app

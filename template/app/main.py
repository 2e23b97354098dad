"""The application: `create_app(settings)`, and `app` for ASGI servers."""

import tomllib
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware

from app.api import api_router
from app.common.allowed_hosts_middleware import AllowedHostsMiddleware
from app.common.body_limit_middleware import BodyLimitMiddleware
from app.common.docs_pages import add_docs_pages
from app.common.envelope_middleware import ResponseEnvelopeMiddleware
from app.common.logging_config import setup_logging
from app.common.openapi import document_envelopes
from app.common.request_context import REQUEST_ID_HEADER, RequestContextMiddleware
from app.common.routing import add_routes
from app.common.security_headers import security_headers
from app.common.startup_middleware import StartupErrorMiddleware
from app.common.time_limit import TimeLimitMiddleware
from app.core import health
from app.core.config import Settings, get_settings
from app.core.errors import install_error_handlers
from app.core.lifespan import lifespan
from app.core.settings_errors import SettingsError

PROJECT_FILE: Final = Path(__file__).parents[1] / "pyproject.toml"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; without `settings` it reads those of this process.

    Raises:
        SettingsError: the settings of this process are missing or wrong.
    """
    settings = settings or get_settings()
    setup_logging(settings.APP_ENV, settings.LOG_LEVEL)
    project = _project()
    app = FastAPI(
        title=settings.PROJECT_NAME,
        description=project.get("description", ""),
        version=project.get("version", "unknown"),
        debug=settings.DEBUG,
        lifespan=lifespan,
        middleware=_middleware(settings),
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    install_error_handlers(app)
    document_envelopes(app)
    add_routes(app, health.router)
    add_routes(app, api_router)
    add_docs_pages(app)
    return app


def _project() -> dict[str, str]:
    """Return what pyproject.toml says of the service; nothing where app/ was copied without it."""
    if not PROJECT_FILE.exists():
        return {}
    project: dict[str, str] = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
    return project


def _middleware(settings: Settings) -> list[Middleware]:
    """List the layers that a request passes, the outermost first."""
    layers = [
        Middleware(StartupErrorMiddleware),
        Middleware(RequestContextMiddleware, headers=security_headers(settings.HSTS_SECONDS)),
    ]
    if settings.ALLOWED_HOSTS:
        layers.append(Middleware(AllowedHostsMiddleware, hosts=settings.ALLOWED_HOSTS))
    if settings.CORS_ORIGINS:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.CORS_ORIGINS,
                allow_credentials=settings.CORS_ALLOW_CREDENTIALS,
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=["ETag", "Location", REQUEST_ID_HEADER],
            ),
        )
    layers.append(Middleware(TimeLimitMiddleware, seconds=settings.REQUEST_TIMEOUT))
    layers.append(Middleware(BodyLimitMiddleware, max_body_size=settings.MAX_BODY_SIZE))
    layers.append(Middleware(ResponseEnvelopeMiddleware))
    return layers


def __getattr__(name: str) -> FastAPI:
    """Build `app` when a server asks for it, so that importing this module reads no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        application = create_app()
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    globals()["app"] = application
    return application

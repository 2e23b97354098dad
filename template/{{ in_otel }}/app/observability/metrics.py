"""Request metrics, and `/metrics` with all metrics of this process for Prometheus."""

import time
from typing import Any, Final

from fastapi.routing import APIRoute, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.common.root_path import route_path

METRICS_PATH: Final = "/metrics"
OTHER: Final = "other"
"""The label of unknown methods and routes, so that callers cannot create new label values."""

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

# The names are OpenTelemetry's, as Prometheus writes them.
REQUESTS: Final = Histogram(
    "http_server_request_duration_seconds",
    "Duration of requests, until the last byte of the response was sent.",
    ["http_request_method", "http_route", "http_response_status_code"],
)


class MetricsMiddleware:
    """Measures every request by method, route template and status of the response.

    Serves `/metrics` itself, before the check of the Host header: Prometheus only knows the
    address of the service.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._templates: dict[int, list[Any]] = {}  # of each route, by its identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if route_path(scope) == METRICS_PATH:
            shown = Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
            await shown(scope, receive, send)
            return
        status = 500  # the server's response to an unhandled exception

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        try:
            await self.app(scope, receive, send_and_note)
        finally:
            method = scope["method"]
            labels = (method if method in _METHODS else OTHER, self._template(scope), status)
            REQUESTS.labels(*labels).observe(time.perf_counter() - start)

    def _template(self, scope: Scope) -> str:
        """Return the full path template of the route; the route does not know its prefixes."""
        route = scope.get("route")
        if not isinstance(route, APIRoute):
            return OTHER
        if id(route) not in self._templates:
            self._templates = {id(route): []}
            for context in iter_route_contexts(scope["app"].routes):
                self._templates.setdefault(id(context.original_route), []).append(context)
        contexts = self._templates[id(route)]
        if len(contexts) > 1:  # its router is included more than once
            contexts = [each for each in contexts if each.path_regex.match(route_path(scope))]
        return str(contexts[0].path_format) if contexts else OTHER

"""The pages /docs and /redoc. They load nothing from other sites and run no inline script."""

from html import escape
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

# The URLs in the pages are relative, so they work behind any prefix that a proxy adds.
_SWAGGER_UI: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Swagger UI</title>
<link rel="icon" href="docs/fastapi/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START_SWAGGER_UI: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_REDOC: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – ReDoc</title>
<link rel="icon" href="docs/fastapi/favicon.png">
<style>body {{ margin: 0; }}</style>
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="redoc/redoc.standalone.js"></script>
</body>
</html>
"""
# Both pages set styles from their scripts; ReDoc's search runs in a worker from a blob URL.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ASSETS: Final = "fastapi_standalone_docs"


def add_docs_pages(app: FastAPI) -> None:
    """Serve both pages; `app` must have been created with `docs_url=None, redoc_url=None`."""

    async def swagger_ui(_: Request) -> Response:
        return _page(_SWAGGER_UI, app.title)

    async def start_swagger_ui(_: Request) -> Response:
        return Response(_START_SWAGGER_UI, media_type="text/javascript")

    async def redoc(_: Request) -> Response:
        return _page(_REDOC, app.title)

    app.add_route("/docs", swagger_ui, include_in_schema=False)
    app.add_route("/docs/start.js", start_swagger_ui, include_in_schema=False)
    app.add_route("/redoc", redoc, include_in_schema=False)
    app.mount("/docs/fastapi", StaticFiles(packages=[(_ASSETS, "static/fastapi")]))
    app.mount("/docs", StaticFiles(packages=[(_ASSETS, "static/swagger")]))
    app.mount("/redoc", StaticFiles(packages=[(_ASSETS, "static/redoc")]))


def _page(template: str, title: str) -> Response:
    text = template.format(title=escape(title))
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})

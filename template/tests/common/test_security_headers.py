"""What every answer tells browsers."""

import pytest
from fastapi import FastAPI, Response

from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    """The application with routes of a person's own."""
    app = create_app(settings)

    @app.get("/page")
    async def page() -> Response:
        headers = {"Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "SAMEORIGIN"}
        return Response("<p>", headers=headers, media_type="text/html")

    @app.get("/failing")
    async def failing() -> None:
        raise RuntimeError

    return app


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/health/live", 405),
        ("GET", "/failing", 500),
        ("GET", "/docs/swagger-ui.css", 200),
    ],
)
async def test_every_answer_is_data_that_no_page_may_abuse(
    app: FastAPI,
    method: str,
    path: str,
    status: int,
) -> None:
    async with client_of(app) as client:
        response = await client.request(method, path)

    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    (policy,) = response.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "strict-transport-security" not in response.headers


async def test_browsers_are_told_to_use_https_alone_where_the_settings_say_so(
    settings: Settings,
) -> None:
    app = create_app(settings.model_copy(update={"HSTS_SECONDS": 3600}))

    async with client_of(app) as client:
        response = await client.get("/health/live")

    assert response.headers["strict-transport-security"] == "max-age=3600"

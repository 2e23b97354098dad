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


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_of_the_documentation_may_run_what_they_bring(
    app: FastAPI,
    path: str,
) -> None:
    async with client_of(app) as client:
        response = await client.get(path)

    (policy,) = response.headers.get_list("content-security-policy")
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_an_answer_says_itself_holds(app: FastAPI) -> None:
    async with client_of(app) as client:
        response = await client.get("/page")

    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert response.headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert response.headers["x-content-type-options"] == "nosniff"

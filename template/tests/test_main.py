"""The application as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
from fastapi import FastAPI

from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of
from tests.environment import PASSED_ON


async def test_the_service_is_alive_ready_and_documented(client: httpx2.AsyncClient) -> None:
    paths = ("/health/live", "/health/ready", "/docs", "/redoc", "/openapi.json")
    responses = {path: await client.get(path) for path in paths}

    assert {path: response.status_code for path, response in responses.items()} == dict.fromkeys(
        paths,
        200,
    )
    assert responses["/health/live"].json() == {"status": "alive"}
    assert responses["/openapi.json"].json()["openapi"].startswith("3.1")


async def test_every_answer_names_its_request_and_failures_have_the_envelope(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.get("/api/v1/nowhere", headers={"X-Request-ID": "mine"})

    assert response.headers["x-request-id"] == "mine"
    assert response.json() == {
        "code": 404,
        "message": "Not Found",
        "data": None,
        "error": "not_found",
    }


async def test_a_route_that_a_person_adds_is_wrapped_and_documented(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/mine")
    async def mine() -> int:
        return 7

    async with client_of(app) as client:
        response = await client.get("/mine")

    assert response.json() == {"code": 200, "message": "success", "data": 7, "error": None}
    assert "Envelope_mine_mine_get" in app.openapi()["components"]["schemas"]


async def test_only_the_origins_that_are_named_may_call_from_a_browser(settings: Settings) -> None:
    ours, theirs = "https://ours.test", "https://theirs.test"
    app = create_app(settings.model_copy(update={"CORS_ORIGINS": [ours]}))

    async with client_of(app) as client:
        allowed = await client.get("/health/live", headers={"Origin": ours})
        foreign = await client.get("/health/live", headers={"Origin": theirs})

    assert allowed.headers["access-control-allow-origin"] == ours
    assert "X-Request-ID" in allowed.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers


async def test_without_origins_no_browser_is_told_anything(app: FastAPI) -> None:
    async with client_of(app) as client:
        response = await client.get("/health/live", headers={"Origin": "https://ours.test"})

    assert "access-control-allow-origin" not in response.headers


def test_importing_reads_no_settings_and_a_server_without_them_ends_with_a_sentence(
    tmp_path: Path,
) -> None:
    program = "import app.main, uvicorn; print('imported'); uvicorn.run('app.main:app', port=0)"
    machine = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = subprocess.run(  # noqa: S603 (the program is ours)
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=machine,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert process.stdout.strip() == "imported"
    assert process.returncode != 0
    assert "SECRET_KEY is not set." in process.stderr
    assert "Traceback" not in process.stderr

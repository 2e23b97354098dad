"""The application as a whole."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from app import main
from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of


def test_an_image_without_pyproject_toml_starts_all_the_same(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(main, "PROJECT_FILE", tmp_path / "pyproject.toml")

    assert create_app(settings).version == "unknown"


async def test_head_of_an_endless_stream_ends_it_and_a_route_may_take_head_itself(
    settings: Settings,
) -> None:
    app = create_app(settings)
    ended = asyncio.Event()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def endless() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"more"
                    await asyncio.sleep(0)
            finally:
                ended.set()

        return StreamingResponse(endless(), media_type="text/plain")

    @app.head("/own")
    @app.get("/own")
    async def own(request: Request) -> Response:
        return Response(headers={"X-Method": request.method})

    async with client_of(app) as client, asyncio.timeout(30):
        answer = await client.head("/stream")
        await ended.wait()
        own_answer = await client.head("/own")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert own_answer.headers["X-Method"] == "HEAD"


@pytest.mark.parametrize("passed_on", [True, False])
@pytest.mark.parametrize("by_server", [True, False])
async def test_below_a_prefix_all_answers_and_addresses_have_it(
    settings: Settings,
    by_server: bool,
    passed_on: bool,
) -> None:
    """A proxy passes the prefix on or takes it away; ROOT_PATH or the server says which it is."""
    prefix = "/orders"
    changes = {"ROOT_PATH": None if by_server else prefix, "ALLOWED_HOSTS": ["ours.test"]}
    app = create_app(settings.model_copy(update=changes))

    @app.get("/things")
    async def things(request: Request, response: Response) -> None:
        response.headers["Location"] = f"{request.scope['path']}/1"

    transport = httpx2.ASGITransport(app=app, root_path=prefix if by_server else "")
    base = prefix if passed_on or by_server else ""  # a server puts it into the path
    async with httpx2.AsyncClient(transport=transport, base_url="http://ours.test") as client:
        health = await client.get(f"{base}/health/live", headers={"Host": "10.0.0.7"})
        missing = await client.get(f"{base}/nowhere")
        made = await client.get(f"{base}/things")
        redirect = await client.get(f"{base}/things/")
        document = await client.get(f"{base}/openapi.json")

    assert (health.status_code, missing.status_code) == (200, 404)
    assert made.headers["Location"] == f"{prefix}/things/1"
    assert redirect.headers["Location"] == f"http://ours.test{prefix}/things"
    assert document.json()["servers"][0]["url"] == prefix


async def test_without_origins_no_browser_is_told_anything(app: FastAPI) -> None:
    async with client_of(app) as client:
        response = await client.get("/health/live", headers={"Origin": "https://ours.test"})

    assert "access-control-allow-origin" not in response.headers

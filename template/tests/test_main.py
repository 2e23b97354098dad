"""The application as a whole."""

import asyncio
import sys
from collections.abc import Iterator
from importlib import import_module

import httpx2
import pytest
import uvicorn
from fastapi import APIRouter, Response

from app import main
from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of


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
    assert "Envelope_mine" in app.openapi()["components"]["schemas"]


PATHS = ("/health/live", "/docs", "/docs/swagger-ui.css", "/redoc", "/openapi.json", "/mine", "/no")


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_answered_like_get_without_the_body(settings: Settings, path: str) -> None:
    app = create_app(settings)

    @app.get("/mine")
    async def mine(response: Response) -> int:
        response.headers["ETag"] = '"1"'
        return 7

    async with client_of(app) as client:
        headers = {"X-Request-ID": "mine", "Range": "bytes=0-1"}
        got = await client.get(path, headers={"X-Request-ID": "mine"})
        answer = await client.head(path, headers=headers)
        refused = await client.post("/mine")

    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert answer.headers == got.headers
    assert refused.headers["Allow"] == "GET, HEAD"


async def test_a_request_that_takes_too_long_is_answered_503(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"REQUEST_TIMEOUT": 0.05}))

    @app.get("/forever")
    async def forever() -> None:
        await asyncio.Event().wait()

    async with client_of(app) as client:
        response = await client.get("/forever")

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")


@pytest.mark.parametrize("prefix", ["/api/v1", "/v2", ""])
async def test_the_routes_of_the_api_begin_with_its_prefix(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
) -> None:
    router = APIRouter()

    @router.get("/things")
    async def things() -> list[str]:
        return ["a thing"]

    monkeypatch.setattr(main, "api_router", router)
    app = create_app(settings.model_copy(update={"API_PREFIX": prefix}))
    async with client_of(app) as client:
        response = await client.get(f"{prefix}/things")

    assert (response.status_code, response.json()["data"]) == (200, ["a thing"])


async def test_only_the_origins_that_are_named_may_call_from_a_browser(settings: Settings) -> None:
    ours, theirs = "https://ours.test", "https://theirs.test"
    app = create_app(settings.model_copy(update={"CORS_ORIGINS": [ours]}))

    async with client_of(app) as client:
        allowed = await client.get("/health/live", headers={"Origin": ours})
        foreign = await client.get("/health/live", headers={"Origin": theirs})

    assert allowed.headers["access-control-allow-origin"] == ours
    assert "X-Request-ID" in allowed.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers


async def test_only_the_hosts_that_are_named_are_answered_for_and_any_where_none_is(
    settings: Settings,
) -> None:
    named = create_app(settings.model_copy(update={"ALLOWED_HOSTS": ["ours.test"]}))
    headers = {"Host": "theirs.test"}

    async with client_of(named) as client, client_of(create_app(settings)) as open_client:
        refused = await client.get("/docs", headers=headers)
        answered = await open_client.get("/docs", headers=headers)

    assert (refused.status_code, refused.json()["error"]) == (400, "unknown_host")
    assert refused.headers["x-request-id"]
    assert answered.status_code == 200


@pytest.fixture
def unbuilt(environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a process whose server has not asked for `app` yet."""
    vars(main).pop("app", None)
    yield environment
    vars(main).pop("app", None)


def test_a_server_gets_the_application_that_the_settings_describe(
    unbuilt: pytest.MonkeyPatch,
) -> None:
    unbuilt.setenv("PROJECT_NAME", "Books")

    built = main.app

    assert built.title == "Books"
    assert main.app is built
    unbuilt.delitem(sys.modules, "main", raising=False)
    assert import_module("main").app is built


def test_a_server_whose_settings_are_incomplete_ends_with_a_sentence_and_no_traceback(
    unbuilt: pytest.MonkeyPatch,
) -> None:
    unbuilt.delenv("SECRET_KEY")

    with pytest.raises(SystemExit, match=r"SECRET_KEY is not set\.") as raised:
        uvicorn.Config("app.main:app", log_config=None).load()

    assert raised.value.__suppress_context__

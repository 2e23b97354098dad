"""The application as a whole."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

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


def test_an_image_without_pyproject_toml_starts_all_the_same(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(main, "PROJECT_FILE", tmp_path / "pyproject.toml")

    assert create_app(settings).version == "unknown"


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


async def test_without_origins_no_browser_is_told_anything(app: FastAPI) -> None:
    async with client_of(app) as client:
        response = await client.get("/health/live", headers={"Origin": "https://ours.test"})

    assert "access-control-allow-origin" not in response.headers


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


def test_a_server_whose_settings_are_incomplete_ends_with_a_sentence_and_no_traceback(
    unbuilt: pytest.MonkeyPatch,
) -> None:
    unbuilt.delenv("SECRET_KEY")

    with pytest.raises(SystemExit, match=r"SECRET_KEY is not set\.") as raised:
        uvicorn.Config("app.main:app", log_config=None).load()

    assert raised.value.__suppress_context__

"""Access tokens: whom they let in, and where they are needed."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from fastapi import APIRouter, FastAPI

from app.common.security import (
    CurrentSubject,
    TokenFirstRouter,
    create_access_token,
)
from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of

CLAIMS = {"sub": "somebody", "iat": 0, "exp": datetime.now(UTC) + timedelta(hours=1)}


@pytest.fixture(scope="module")
def application(settings: Settings) -> FastAPI:
    application = create_app(settings)

    @application.get("/me")
    async def me(subject: CurrentSubject) -> str:
        return subject

    return application


@pytest.fixture
async def client(application: FastAPI) -> Any:
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def ask(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await client.get("/me", headers={"Authorization": f"Bearer {token}"})


async def test_a_token_says_who_its_bearer_is(
    client: httpx2.AsyncClient,
    settings: Settings,
) -> None:
    answer = await ask(client, create_access_token(settings, "somebody ü"))
    assert (answer.status_code, answer.json()["data"]) == (200, "somebody ü")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic c29tZTpib2R5"}])
async def test_without_a_token_the_answer_says_what_is_needed(
    client: httpx2.AsyncClient,
    headers: dict[str, str],
) -> None:
    answer = await client.get("/me", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_ends(client: httpx2.AsyncClient, settings: Settings) -> None:
    expired = create_access_token(settings, "somebody", timedelta(minutes=-1))
    answer = await ask(client, expired)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def forgeries(settings: Settings) -> Iterator[str]:
    key = settings.SECRET_KEY.get_secret_value()
    algorithm = settings.ALGORITHM
    yield "nonsense"
    yield create_access_token(settings, "somebody")[:-4] + "AAAA"
    yield jwt.encode(CLAIMS, "another key of at least 32 characters", algorithm)
    yield jwt.encode(CLAIMS, None, "none")
    yield jwt.encode(CLAIMS, key, "HS384" if algorithm == "HS256" else "HS256")
    for claim in CLAIMS:
        yield jwt.encode({**CLAIMS, claim: None}, key, algorithm)
        yield jwt.encode({name: CLAIMS[name] for name in CLAIMS if name != claim}, key, algorithm)
    yield jwt.encode({**CLAIMS, "iat": datetime.now(UTC) + timedelta(days=1)}, key, algorithm)


async def test_no_forged_or_incomplete_token_gets_in(
    client: httpx2.AsyncClient,
    settings: Settings,
) -> None:
    for token in forgeries(settings):
        answer = await ask(client, token)
        assert answer.status_code == 401, token


async def test_every_route_that_changes_something_needs_a_token(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            changes = method in {"post", "put", "patch", "delete"}
            assert bool(operation["security"]) == changes, f"{method} {path}"
            assert ("401" in operation["responses"]) == changes, f"{method} {path}"


@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_without_a_token_no_body_is_read(settings: Settings, token: str | None) -> None:
    application = create_app(settings.model_copy(update={"MAX_BODY_SIZE": 4}))
    feature, api = APIRouter(), TokenFirstRouter()

    @feature.post("/mine", max_body_size=6)
    async def mine(body: list[int], subject: CurrentSubject) -> str:
        return f"{subject}: {len(body)}"

    application.include_router(api)
    api.include_router(feature)

    read: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(b"[1, 2]")
        yield read[-1]

    async with client_of(application) as client:
        headers = {"Content-Length": "6"}
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        refused = await client.post("/mine", content=body(), headers=headers)
        assert read == []
        token = create_access_token(settings, "somebody")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        served = await client.post("/mine", content=body(), headers=headers)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert served.json()["data"] == "somebody: 2"

"""Access tokens: whom they let in, and where they are needed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr

from app.common.security import (
    SIGNED_IN,
    CurrentSubject,
    TokenFirstRouter,
    create_access_token,
    writes_signed_in,
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


async def test_clocks_may_differ_a_little(client: httpx2.AsyncClient, settings: Settings) -> None:
    for seconds, status in ((10, 200), (60, 401)):
        claims = {**CLAIMS, "iat": datetime.now(UTC) + timedelta(seconds=seconds)}
        token = jwt.encode(claims, settings.SECRET_KEY.get_secret_value(), settings.ALGORITHM)
        assert (await ask(client, token)).status_code == status


async def test_a_method_that_no_token_would_help_is_refused_as_such(
    settings: Settings,
) -> None:
    application = create_app(settings)
    mine, api = APIRouter(), TokenFirstRouter()

    @mine.get("/mine")
    async def read() -> None: ...

    @mine.post("/mine")
    async def write() -> None: ...

    @api.post("/public")
    async def write_in_public() -> None: ...

    api.include_router(writes_signed_in(mine))
    application.include_router(api)

    async with client_of(application) as client:
        for method in ("OPTIONS", "PUT", "DELETE"):
            refused = await client.request(method, "/mine")
            assert (refused.status_code, refused.headers.get("Allow")) == (405, "GET, HEAD, POST")
        assert (await client.post("/mine")).status_code == 401
        assert (await client.get("/mine")).status_code == 200
        assert (await client.post("/public")).status_code == 200
        assert (await client.post("/nowhere")).status_code == 404


@pytest.mark.parametrize("by_parameter", [True, False])
def test_a_route_that_needs_a_token_documents_it(settings: Settings, by_parameter: bool) -> None:
    application = create_app(settings)
    feature, api = APIRouter(), TokenFirstRouter()

    async def mine(subject: CurrentSubject) -> None: ...

    async def ours() -> None: ...

    if by_parameter:
        feature.get("/mine")(mine)
    else:
        feature.get("/mine", dependencies=[SIGNED_IN])(ours)
    api.include_router(feature)
    application.include_router(api)
    documented = application.openapi()["paths"]["/mine"]["get"]
    assert documented["security"] == [{"bearer": []}]
    assert "invalid_token" in str(documented["responses"]["401"])


async def test_a_token_is_looked_at_once_for_each_request(settings: Settings) -> None:
    application = create_app(settings)
    api = TokenFirstRouter()

    @api.post("/mine", dependencies=[SIGNED_IN])
    async def mine(body: list[int], subject: CurrentSubject) -> str:
        return f"{subject}: {len(body)}"

    application.include_router(api)

    async def body() -> AsyncIterator[bytes]:
        # From here on the token is not valid any more.
        another = SecretStr("another key of at least 32 characters")
        application.state.settings = settings.model_copy(update={"SECRET_KEY": another})
        yield b"[1, 2]"

    token = create_access_token(settings, "somebody")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with client_of(application) as client:
        served = await client.post("/mine", content=body(), headers=headers)
        refused = await client.post("/mine", json=[], headers=headers)

    assert served.json()["data"] == "somebody: 2"
    assert refused.status_code == 401

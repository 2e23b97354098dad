"""For which hosts the service answers."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.common.allowed_hosts_middleware import AllowedHostsMiddleware
from tests.asgi import client_of, small_app


@pytest.fixture
def app() -> FastAPI:
    """An application that knows what it is called."""
    app = small_app()
    app.add_middleware(
        AllowedHostsMiddleware,
        hosts=["api.test", "*.Inside.test", "192.0.2.7", "[2001:db8::7]"],
    )

    @app.get("/known")
    @app.get("/health/live")
    async def known() -> int:
        return 1

    return app


async def status(app: FastAPI, path: str, host: str) -> int:
    async with client_of(app) as client:
        return (await client.get(path, headers={"Host": host})).status_code


@pytest.mark.parametrize(
    "host",
    [
        *("api.test", "api.test:8000", "API.test", "a.inside.test", "b.a.inside.test"),
        *("192.0.2.7", "192.0.2.7:80", "[2001:db8::7]", "[2001:db8::7]:80"),
    ],
)
async def test_a_host_that_is_named_is_answered(app: FastAPI, host: str) -> None:
    assert await status(app, "/known", host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.test", "api.test.evil.test", "xapi.test", "inside.test", "xinside.test"),
        *("api.test:", "api.test@evil.test", "192.0.2.8", "[2001:db8::8]", "*.inside.test.evil"),
    ],
)
async def test_any_other_is_refused_with_the_envelope(app: FastAPI, host: str) -> None:
    async with client_of(app) as client:
        response = await client.get("/known", headers={"Host": host})

    assert (response.status_code, response.json()["error"]) == (400, "unknown_host")


async def test_health_is_told_to_those_who_know_the_address_alone(app: FastAPI) -> None:
    assert await status(app, "/health/live", "192.0.2.99:8000") == 200


async def test_a_star_stands_for_any_host() -> None:
    app = small_app()
    app.add_middleware(AllowedHostsMiddleware, hosts=["api.test", "*"])

    assert await status(app, "/", "evil.test") == 404


@pytest.mark.parametrize(("host", "code"), [("api.test", 1000), ("evil.test", 1008)])
def test_a_web_socket_is_refused_as_well(app: FastAPI, host: str, code: int) -> None:
    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    client = TestClient(app, headers={"Host": host})
    with pytest.raises(WebSocketDisconnect) as raised, client.websocket_connect("/socket") as ours:
        ours.receive_text()

    assert raised.value.code == code

"""Liveness and readiness."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI

from app.common import health
from app.core.config import Settings
from app.core.resource import Resource
from tests.asgi import client_of, small_app

Check = Callable[[str], Awaitable[str]]


@asynccontextmanager
async def nothing(_: Settings) -> AsyncIterator[str]:
    yield "handle"


async def well(handle: str) -> str:
    return f"version 1 of {handle}"


async def broken(_: str) -> str:
    raise ConnectionError("secret.internal:5000 refused hunter2")


async def silent(_: str) -> str:
    await asyncio.Event().wait()
    raise AssertionError


def resource(name: str, check: Check, *, required: bool = True) -> Resource[str]:
    opened: Callable[[Settings], AbstractAsyncContextManager[str]] = nothing
    return Resource(name=name, open=opened, check=check, required=required)


@pytest.fixture
def app_with(settings: Settings) -> Callable[..., FastAPI]:
    """An application whose inventory is the given resources."""

    def build(*resources: Resource[str]) -> FastAPI:
        app = small_app()
        app.include_router(health.router)
        app.state.settings = settings.model_copy(update={"HEALTH_TIMEOUT": 0.05})
        app.state.inventory = resources
        app.state.resources = {resource.name: "it" for resource in resources}
        return app

    return build


async def ready(app: FastAPI) -> httpx2.Response:
    async with client_of(app) as client:
        return await client.get("/health/ready")


async def test_a_service_whose_resources_answer_is_ready_and_says_what_it_found(
    app_with: Callable[..., FastAPI],
) -> None:
    response = await ready(app_with(resource("store", well)))

    answer = response.json()
    latency = answer["resources"]["store"].pop("latency_ms")
    assert response.status_code == 200
    assert latency >= 0
    assert answer == {
        "status": "ready",
        "resources": {"store": {"status": "up", "required": True, "detail": "version 1 of it"}},
    }


@pytest.mark.parametrize("check", [broken, silent])
async def test_a_needed_resource_that_fails_makes_the_service_unready_without_saying_where_it_is(
    app_with: Callable[..., FastAPI],
    check: Check,
) -> None:
    response = await ready(app_with(resource("store", check), resource("queue", well)))

    answer = response.json()
    assert (response.status_code, answer["status"]) == (503, "not ready")
    assert answer["resources"]["store"]["status"] == "down"
    assert answer["resources"]["queue"]["status"] == "up"
    assert "internal" not in response.text
    assert "hunter2" not in response.text

"""Liveness and readiness."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from loguru import logger

from app.common import health
from app.common.health import check_resources
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


async def test_the_process_is_alive_whatever_its_resources_do(
    app_with: Callable[..., FastAPI],
) -> None:
    async with client_of(app_with(resource("store", broken))) as client:
        response = await client.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_a_resource_that_is_not_needed_does_not_make_the_service_unready(
    app_with: Callable[..., FastAPI],
) -> None:
    response = await ready(app_with(resource("store", broken, required=False)))

    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["resources"]["store"]["status"] == "down"


async def test_readiness_recovers_by_itself_and_logs_each_change_once(
    app_with: Callable[..., FastAPI],
) -> None:
    works = False

    async def changing(handle: str) -> str:
        return await (well(handle) if works else broken(handle))

    app = app_with(resource("store", changing))
    messages: list[str] = []
    sink = logger.add(messages.append, format="{message}", filter="app")
    try:
        statuses = [(await ready(app)).status_code for _ in range(2)]
        works = True
        statuses += [(await ready(app)).status_code for _ in range(2)]
    finally:
        logger.remove(sink)

    assert statuses == [503, 503, 200, 200]
    went, came_back = messages
    assert went.startswith("Resource store is down: ConnectionError: ")
    assert came_back.startswith("Resource store is up again")


async def test_resources_are_checked_at_once() -> None:
    started = asyncio.Barrier(2)

    async def meets_the_other(_: str) -> str:
        await started.wait()
        return "met"

    both = (resource("first", meets_the_other), resource("second", meets_the_other))

    reports = await check_resources(both, {"first": "", "second": ""}, timeout=5)

    assert [report.detail for report in reports] == ["met", "met"]


async def test_a_resource_that_was_not_opened_counts_as_failed() -> None:
    (report,) = await check_resources((resource("store", well),), {}, timeout=5)

    assert not report.healthy

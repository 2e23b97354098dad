"""What is counted of requests, and where it is read."""

import httpx2
from fastapi import APIRouter, FastAPI, HTTPException
from prometheus_client import REGISTRY

from app.core.config import Settings
from app.main import create_app
from app.observability.metrics import METRICS_PATH, MetricsMiddleware
from tests.asgi import client_of, small_app

router = APIRouter(prefix="/things")


@router.get("/{number}")
async def read_thing(number: int) -> int:
    """Return the number, refuse 404, and have a fault at 500."""
    if number == 404:
        raise HTTPException(404)
    if number == 500:
        raise RuntimeError
    return number


def counted(*labels: str) -> float:
    """Return how many requests with this method, route and status were counted in this process."""
    names = ("http_request_method", "http_route", "http_response_status_code")
    value = REGISTRY.get_sample_value(
        "http_server_request_duration_seconds_count",
        dict(zip(names, labels, strict=True)),
    )
    return value or 0


def measured_app() -> FastAPI:
    app = small_app()
    version = APIRouter(prefix="/of-test")
    version.include_router(router)
    app.include_router(version)
    app.include_router(router, prefix="/of-test/again")
    app.add_middleware(MetricsMiddleware)
    return app


async def ask(*requests: tuple[str, str]) -> None:
    transport = httpx2.ASGITransport(app=measured_app(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path in requests:
            await client.request(method, path)


async def test_requests_are_counted_by_method_route_and_status() -> None:
    path = "/of-test/things/{number}"
    expected = {
        ("GET", path, "200"): 2,
        ("GET", path, "404"): 1,
        ("GET", path, "422"): 1,
        ("GET", path, "500"): 1,
        ("POST", path, "405"): 1,
        ("GET", "/of-test/again/things/{number}", "200"): 1,
    }
    before = {labels: counted(*labels) for labels in expected}

    await ask(
        *(("GET", f"/of-test/things/{number}") for number in (1, 2, 404, "wrong", 500)),
        ("POST", "/of-test/things/1"),
        ("GET", "/of-test/again/things/1"),
    )

    assert {labels: counted(*labels) - before[labels] for labels in expected} == expected


async def test_the_metrics_of_this_process_are_served_as_they_are_whatever_the_host(
    settings: Settings,
) -> None:
    app = create_app(settings.model_copy(update={"ALLOWED_HOSTS": ["ours.test"]}))
    async with client_of(app) as client:
        await client.get("/health/live")
        answer = await client.get(METRICS_PATH)

    assert answer.status_code == 200

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'http_route="/health/live"' in answer.text
    assert METRICS_PATH not in app.openapi()["paths"]

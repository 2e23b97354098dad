"""What is counted of requests, and where it is read."""

import httpx2
from fastapi import APIRouter, FastAPI, HTTPException
from prometheus_client import REGISTRY

from app.observability.metrics import REQUESTS, MetricsMiddleware
from tests.asgi import small_app

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


def samples() -> int:
    """Return how many samples of requests there are: one for each made-up label would be more."""
    return sum(len(family.samples) for family in REQUESTS.collect())


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


async def test_callers_cannot_make_up_labels() -> None:
    await ask(("GET", "/nothing"), ("BREW", "/nothing"))
    before = counted("GET", "other", "404"), counted("other", "other", "404")
    known = samples()

    await ask(("GET", "/nothing/1"), ("GET", "/nothing/2"), ("BREW", "/nothing"), ("MIX", "/no"))

    after = counted("GET", "other", "404"), counted("other", "other", "404")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)
    assert samples() == known

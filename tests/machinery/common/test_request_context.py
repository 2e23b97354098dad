"""The request id: in, within, and out again."""

import pytest
from fastapi import FastAPI

from app.core.request_id import get_request_id, request_id_context
from tests.asgi import client_of, small_app


@pytest.fixture
def app() -> FastAPI:
    """An application that tells the id it knows."""
    app = small_app()

    @app.get("/id")
    async def known_id() -> str | None:
        return get_request_id()

    return app


@pytest.mark.parametrize("given", ["a", "0192-4f.A_b:7", "x" * 128])
async def test_an_id_from_the_caller_is_known_within_and_sent_back(
    app: FastAPI,
    given: str,
) -> None:
    async with client_of(app) as client:
        response = await client.get("/id", headers={"X-Request-ID": given})

    assert response.json()["data"] == given
    assert response.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "-a", "a;b", "ä"])
async def test_an_id_that_could_be_mistaken_for_something_else_is_replaced(
    app: FastAPI,
    given: str,
) -> None:
    async with client_of(app) as client:
        response = await client.get("/id", headers={b"X-Request-ID": given.encode()})

    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-request-id"] == response.json()["data"]


async def test_every_request_gets_an_id_of_its_own_and_failures_have_one_too(app: FastAPI) -> None:
    async with client_of(app) as client:
        responses = [await client.get("/id"), await client.get("/id"), await client.get("/none")]

    assert len({response.headers["x-request-id"] for response in responses}) == 3
    assert get_request_id() is None


def test_work_outside_of_a_request_can_be_done_on_behalf_of_one() -> None:
    with request_id_context("from-afar"):
        inside = get_request_id()

    assert (inside, get_request_id()) == ("from-afar", None)

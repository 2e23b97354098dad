"""Which answers are put into the envelope, and which are left as they are."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.responses import (
    JSONResponse,
)
from pydantic import BaseModel

from app.common.response_envelope import without_envelope
from tests.asgi import client_of, small_app


class Book(BaseModel):
    """What the routes of these tests answer."""

    title: str = "Dune"


def enveloped(data: object, code: int = 200) -> dict[str, object]:
    return {"code": code, "message": "success", "data": data, "error": None}


@pytest.fixture
def app() -> FastAPI:
    return small_app()


@pytest.mark.parametrize("text", ["Dune", "Ü✓", '"data":null', ""])
async def test_the_answer_of_a_route_is_wrapped_and_its_length_is_right(
    app: FastAPI,
    text: str,
) -> None:
    @app.get("/book")
    async def book(response: Response) -> Book:
        response.headers["ETag"] = '"1"'
        return Book(title=text)

    async with client_of(app) as client:
        response = await client.get("/book")

    assert response.json() == enveloped({"title": text})
    assert response.headers.get_list("content-length") == [str(len(response.content))]
    assert response.headers["etag"] == '"1"'


async def test_the_code_is_the_status_whatever_way_it_was_set(app: FastAPI) -> None:
    @app.post("/declared", status_code=201)
    async def declared() -> None: ...

    @app.post("/chosen")
    async def chosen(response: Response) -> None:
        response.status_code = 202

    @app.post("/built")
    def built() -> JSONResponse:
        return JSONResponse([1], status_code=203)

    @app.post("/failed")
    async def failed() -> JSONResponse:
        return JSONResponse([1], status_code=418)

    async with client_of(app) as client:
        answers = [
            (await client.post(path)) for path in ("/declared", "/chosen", "/built", "/failed")
        ]

    assert [answer.status_code for answer in answers] == [201, 202, 203, 418]
    assert [answer.json() for answer in answers[:3]] == [
        enveloped(None, 201),
        enveloped(None, 202),
        enveloped([1], 203),
    ]
    assert answers[3].json() == {
        "code": 418,
        "message": "I'm a Teapot",
        "data": [1],
        "error": "im_a_teapot",
    }


async def test_a_route_or_a_router_may_ask_for_the_bare_body(app: FastAPI) -> None:
    router = APIRouter(dependencies=[Depends(without_envelope)])

    @router.get("/first")
    async def first() -> Book:
        return Book()

    @app.get("/second")
    async def second(_: Annotated[None, Depends(without_envelope)]) -> Book:
        return Book()

    app.include_router(router)
    async with client_of(app) as client:
        bodies = [(await client.get(path)).json() for path in ("/first", "/second")]

    assert bodies == [{"title": "Dune"}, {"title": "Dune"}]

"""Stored files as answers to GET."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from app.common.downloads import send_download
from app.common.oss import ObjectStorage
from tests.asgi import client_of, small_app

CONTENT = b"0123456789"


@pytest.fixture
async def client(storage: ObjectStorage) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that sends the stored object `/<key>`."""
    app = small_app()

    @app.get("/{key}")
    async def download(key: str, request: Request) -> StreamingResponse:
        return await send_download(storage, await storage.stat(key), request, key)

    await storage.upload_file("ten.txt", CONTENT)
    await storage.upload_file("none.txt", b"")
    async with client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-3", 0, 3),
        ("Bytes=4-", 4, 9),
        ("bytes=-3", 7, 9),
        ("bytes=8-99", 8, 9),
        ("bytes=-99", 0, 9),
    ],
)
async def test_a_range_is_sent_alone(
    client: httpx2.AsyncClient,
    asked: str,
    first: int,
    last: int,
) -> None:
    answer = await client.get("/ten.txt", headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10"
    assert answer.headers["Content-Length"] == str(last + 1 - first)


@pytest.mark.parametrize(
    ("path", "asked"),
    [("/ten.txt", "bytes=10-"), ("/ten.txt", "bytes=-0"), ("/none.txt", "bytes=0-")],
)
async def test_a_range_behind_the_end_is_refused(
    client: httpx2.AsyncClient,
    path: str,
    asked: str,
) -> None:
    answer = await client.get(path, headers={"Range": asked})

    assert (answer.status_code, answer.json()["error"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{10 if path == '/ten.txt' else 0}"

"""Stored files as answers to GET."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from app.common.downloads import content_disposition, send_download
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


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=3-1", "bytes=-", "bytes=x"])
async def test_what_is_no_single_range_gets_the_whole_file(
    client: httpx2.AsyncClient,
    asked: str,
) -> None:
    answer = await client.get("/ten.txt", headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
async def test_a_range_of_another_version_gets_the_whole_file(
    client: httpx2.AsyncClient,
    validator: str,
) -> None:
    current = (await client.get("/ten.txt")).headers[validator]
    statuses = []
    for if_range in (current, f"W/{current}"):
        headers = {"Range": "bytes=0-3", "If-Range": if_range}
        statuses.append((await client.get("/ten.txt", headers=headers)).status_code)

    assert statuses == [206, 200]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("report 1.pdf", "report 1.pdf"),
        ("Zoë.pdf", "Zoe.pdf"),
        ("报告.pdf", "__.pdf"),
        ('a"b\\c%d.pdf', "a_b_c_d.pdf"),
    ],
)
def test_a_download_has_a_name_for_clients_old_and_new(name: str, plain: str) -> None:
    disposition = content_disposition(name)

    assert disposition.startswith(f'attachment; filename="{plain}"; filename*=')
    assert disposition.isascii()

"""Uploaded files in a folder of the storage."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import Request, UploadFile
from fastapi.responses import StreamingResponse

from app.common.file_folder import FileFolder, FileNotStored, FileRules, StoredFile
from app.common.oss import ObjectStorage
from tests.asgi import client_of, small_app

LIMIT = 200_000
RULES = FileRules(LIMIT, ("image/png", "text/plain"))
TEXT = ("a.txt", b"content", "text/plain; charset=utf-8")


@pytest.fixture
def folder(storage: ObjectStorage) -> FileFolder:
    """An empty folder."""
    return FileFolder(storage, f"books/{uuid4()}", RULES)


@pytest.fixture
async def client(folder: FileFolder) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that takes files into the folder, and gives them."""
    app = small_app()

    @app.post("/", **RULES.upload_route())
    async def upload(file: UploadFile) -> StoredFile:
        return await folder.add(file)

    @app.get("/", **RULES.download_route())
    async def download(request: Request) -> StreamingResponse:
        (file,) = await folder.list()
        return await folder.send(file.id, request)

    async with client_of(app) as client:
        yield client


async def test_a_file_is_sent_as_a_download(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/", files={"file": ("..\\../etc/passwd.txt", *TEXT[1:])})
    assert (answer.status_code, answer.json()["data"]["name"]) == (201, "passwd.txt")
    answer = await client.get("/", headers={"Range": "bytes=3-"})
    assert (answer.status_code, answer.content) == (206, b"tent")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"].startswith('attachment; filename="passwd.txt"')


@pytest.mark.parametrize(
    ("file", "status", "error"),
    [
        (("page.html", b"<script>", "text/html"), 415, "file_type_refused"),
        (("picture.png", b"<script>", "image/png"), 415, "file_type_refused"),
        (("large.txt", bytes(LIMIT + 1), "text/plain"), 413, "payload_too_large"),
        (("unnamed", b"content"), 415, "file_type_refused"),
    ],
)
async def test_a_file_against_the_rules_is_not_stored(
    client: httpx2.AsyncClient,
    folder: FileFolder,
    file: Any,
    status: int,
    error: str,
) -> None:
    answer = await client.post("/", files={"file": file})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert await folder.list() == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_not_even_read(
    client: httpx2.AsyncClient,
    declared: bool,
) -> None:
    size = 10 * LIMIT
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while sent < size:
            sent += 65536
            yield bytes(65536)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if declared:
        headers["Content-Length"] = str(size)
    answer = await client.post("/", content=body(), headers=headers)
    assert answer.status_code == 413
    assert sent <= LIMIT + 2 * 65536


async def test_what_others_put_there_is_left_out(
    client: httpx2.AsyncClient,
    folder: FileFolder,
    storage: ObjectStorage,
) -> None:
    await client.post("/", files={"file": TEXT})
    (file,) = await folder.list()
    for key in ("note.txt", "old/note.txt", f"{file.id}/0/deep.txt", f"{uuid4()}"):
        await storage.upload_file(f"{folder.path}/{key}", b"")
    assert await folder.list() == [file]
    await folder.delete(file.id)
    with pytest.raises(FileNotStored):
        await folder.delete(file.id)

"""Files attached to an example, from the request to the storage and back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.common.storage_client import open_client
from app.core.config import Settings
from app.features.example.attachments import FORM_OVERHEAD, MAX_BYTES
from tests.features.example.api import EXAMPLES, create

PDF = ("report.pdf", b"%PDF-1.7", "application/pdf")


@pytest.fixture
async def attachments(client: httpx2.AsyncClient) -> str:
    """The path of the attachments of a new example."""
    example = await create(client, "with files")
    return f"{EXAMPLES}/{example['id']}/attachments"


async def attach(
    client: httpx2.AsyncClient,
    path: str,
    file: tuple[str, bytes, str] = PDF,
) -> dict[str, Any]:
    answer = await client.post(path, files={"file": file})
    assert answer.status_code == 201, answer.text
    attachment: dict[str, Any] = answer.json()["data"]
    assert answer.headers["location"] == f"{path}/{attachment['id']}"
    return attachment


async def test_an_attached_file_is_listed_and_comes_back_as_a_download(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    content = b"%PDF-" + b"\x00\xff" * 1_000_000
    attachment = await attach(client, attachments, ("报告 1.pdf", content, "application/pdf"))
    assert (attachment["name"], attachment["size"]) == ("报告 1.pdf", len(content))
    assert (await client.get(attachments)).json()["data"] == [attachment]

    answer = await client.get(f"{attachments}/{attachment['id']}")
    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    disposition = "attachment; filename=\"__ 1.pdf\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.pdf"
    assert answer.headers["content-disposition"] == disposition

    headers = {"Range": f"bytes={len(content) - 2}-", "If-Range": answer.headers["etag"]}
    answer = await client.get(f"{attachments}/{attachment['id']}", headers=headers)
    assert (answer.status_code, answer.content) == (206, content[-2:])


async def test_a_shared_url_downloads_from_the_storage_itself(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    attachment = await attach(client, attachments)
    shared = (await client.get(f"{attachments}/{attachment['id']}/url")).json()["data"]
    assert shared["expires_in"] == 300
    async with httpx2.AsyncClient() as anybody:
        answer = await anybody.get(shared["url"])
    assert answer.content == PDF[1]
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"report.pdf\"; filename*=UTF-8''report.pdf"
    )


async def test_what_others_put_beside_the_attachments_is_left_out(
    client: httpx2.AsyncClient,
    attachments: str,
    settings: Settings,
) -> None:
    attachment = await attach(client, attachments)
    folder = "/".join(["examples", attachments.split("/")[-2]])
    own = f"{folder}/{attachment['id']}"
    foreign = [f"{folder}/", f"{folder}/note.txt", f"{folder}/old/note.txt", f"{own}/"]
    async with open_client(settings) as storage:
        for key in (*foreign, f"{own}/0/deep.txt"):
            await storage.put_object(
                Bucket=settings.S3_BUCKET,
                Key=f"{settings.S3_PREFIX}/{key}",
            )
    assert (await client.get(attachments)).json()["data"] == [attachment]
    assert (await client.get(f"{attachments}/{attachment['id']}")).content == PDF[1]


async def test_a_deleted_attachment_is_gone(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    kept = await attach(client, attachments)
    path = f"{attachments}/{(await attach(client, attachments))['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(attachments)).json()["data"] == [kept]
    for answer in (await client.get(path), await client.delete(path)):
        assert answer.status_code == 404
        assert answer.json()["error"] == "attachment_not_found"


async def test_an_example_that_does_not_exist_has_no_attachments(
    client: httpx2.AsyncClient,
) -> None:
    path = f"{EXAMPLES}/{uuid4()}/attachments"
    for answer in (
        await client.get(path),
        await client.post(path, files={"file": PDF}),
        await client.get(f"{path}/{uuid4()}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"] == "example_not_found"


async def test_the_name_that_was_sent_cannot_leave_its_place(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    file = ("..\\../../etc/passwd.txt", b"content", "text/plain; charset=utf-8")
    attachment = await attach(client, attachments, file)
    assert attachment["name"] == "passwd.txt"
    answer = await client.get(f"{attachments}/{attachment['id']}")
    assert answer.headers["content-type"] == "text/plain"


async def test_a_file_that_browsers_could_run_is_refused(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    file = ("page.html", b"<script>", "text/html")
    answer = await client.post(attachments, files={"file": file})
    assert answer.status_code == 415
    assert answer.json()["error"] == "attachment_type_refused"


async def test_a_file_that_is_not_what_its_sender_says_is_refused(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    file = ("picture.png", b"<script>", "image/png")
    answer = await client.post(attachments, files={"file": file})
    assert answer.status_code == 415
    assert answer.json()["message"] == "The file is not what its Content-Type says."
    assert (await client.get(attachments)).json()["data"] == []


async def test_a_file_over_the_limit_is_refused(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    file = ("large.zip", bytes(MAX_BYTES + 1), "application/zip")
    answer = await client.post(attachments, files={"file": file})
    assert answer.status_code == 413
    assert answer.json()["error"] == "payload_too_large"
    assert (await client.get(attachments)).json()["data"] == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_not_even_read(
    client: httpx2.AsyncClient,
    attachments: str,
    declared: bool,
) -> None:
    size = 2 * MAX_BYTES
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
        while sent < size:
            sent += 65536
            yield bytes(65536)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if declared:
        headers["Content-Length"] = str(size)
    answer = await client.post(attachments, content=body(), headers=headers)
    assert answer.status_code == 413
    assert sent <= MAX_BYTES + FORM_OVERHEAD + 65536


async def test_a_request_without_a_file_says_what_is_missing(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    answer = await client.post(attachments, data={"other": "value"})
    assert answer.status_code == 422
    assert answer.json()["data"]["errors"][0]["field"] == "file"

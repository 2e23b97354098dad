"""Files attached to an example, from the request to the storage and back."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.features.example.api import EXAMPLES, create

PDF = ("报告 1.pdf", b"%PDF-1.7", "application/pdf")


@pytest.fixture
async def attachments(client: httpx2.AsyncClient) -> str:
    """The path of the attachments of a new example."""
    return f"{EXAMPLES}/{(await create(client, 'with files'))['id']}/attachments"


async def attach(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.post(path, files={"file": PDF})
    assert answer.status_code == 201, answer.text
    attachment: dict[str, Any] = answer.json()["data"]
    assert answer.headers["location"] == f"{path}/{attachment['id']}"
    return attachment


async def test_an_attached_file_is_listed_and_downloaded(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    attachment = await attach(client, attachments)
    assert (attachment["name"], attachment["size"]) == (PDF[0], len(PDF[1]))
    assert (await client.get(attachments)).json()["data"] == [attachment]

    path = f"{attachments}/{attachment['id']}"
    url = (await client.get(f"{path}/url")).json()["data"]["url"]
    async with httpx2.AsyncClient() as anybody:
        for answer in (await client.get(path), await anybody.get(url)):
            assert answer.content == PDF[1]
            assert answer.headers["content-type"] == PDF[2]
            assert answer.headers["content-disposition"].startswith("attachment; ")


async def test_a_deleted_attachment_is_gone(client: httpx2.AsyncClient, attachments: str) -> None:
    kept = await attach(client, attachments)
    path = f"{attachments}/{(await attach(client, attachments))['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(attachments)).json()["data"] == [kept]
    for gone in (path, f"{EXAMPLES}/{uuid4()}/attachments"):
        assert (await client.get(gone)).status_code == 404


async def test_a_file_that_browsers_could_run_is_refused(
    client: httpx2.AsyncClient,
    attachments: str,
) -> None:
    file = ("page.html", b"<script>", "text/html")
    answer = await client.post(attachments, files={"file": file})
    assert (answer.status_code, answer.json()["error"]) == (415, "file_type_refused")
    assert (await client.get(attachments)).json()["data"] == []

"""What the service does with stored objects, against a real S3 service."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.common.oss import ObjectStorage
from app.common.storage_client import (
    ObjectNotFound,
)
from app.common.stored_objects import InvalidObjectKey

if TYPE_CHECKING:
    pass


async def test_a_download_says_what_it_is_and_comes_in_chunks(storage: ObjectStorage) -> None:
    content = b"0123456789" * 100_000
    await storage.upload_file("report.pdf", content)
    download = await storage.download_file("report.pdf")
    chunks = [chunk async for chunk in download]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= 256 * 1024
    assert (download.size, download.content_type) == (1_000_000, "application/pdf")


async def test_a_deleted_object_is_gone_and_deleting_it_again_is_fine(
    storage: ObjectStorage,
) -> None:
    await storage.upload_file("key", b"content")
    assert await storage.exists("key")
    await storage.delete_file("key")
    await storage.delete_file("key")
    assert not await storage.exists("key")


async def test_a_list_goes_on_over_its_pages(storage: ObjectStorage) -> None:
    keys = ["a/1", "a/2", "a/3 +&é文%.txt", "ab", "b"]
    await asyncio.gather(*(storage.upload_file(key, key.encode()) for key in keys))

    async def listed(prefix: str) -> list[str]:
        return [found.key async for found in storage.list_objects(prefix, page_size=2)]

    assert await listed("") == keys
    assert await listed("a") == keys[:4]
    assert await listed("a/") == keys[:3]
    assert await listed("c") == []


async def test_every_operation_refuses_a_key_that_leaves_the_prefix(
    storage: ObjectStorage,
    tmp_path: Path,
) -> None:
    for refused in (
        storage.upload_file("../key", b""),
        storage.download_file("../key"),
        storage.download_to_path("../key", tmp_path / "copy"),
        storage.delete_file("../key"),
        storage.stat("../key"),
        storage.exists("../key"),
        storage.copy("../key", "key"),
        storage.copy("key", "../key"),
        storage.generate_presigned_url("../key"),
        storage.get_public_url("../key"),
        anext(storage.list_objects("../")),
    ):
        with pytest.raises(InvalidObjectKey):
            await refused


async def test_a_missing_object_is_an_error_of_its_own(storage: ObjectStorage) -> None:
    for missing in (
        storage.download_file("missing"),
        storage.stat("missing"),
        storage.copy("missing", "key"),
    ):
        with pytest.raises(ObjectNotFound):
            await missing


async def test_a_url_gives_its_holder_access(storage: ObjectStorage) -> None:
    async with httpx2.AsyncClient() as anybody:
        url = await storage.generate_presigned_url("key", "PUT", content_type="text/plain")
        headers = {"Content-Type": "text/plain"}
        assert (await anybody.put(url, content=b"content", headers=headers)).status_code == 200
        assert (await anybody.put(url, content=b"content")).status_code == 403
        url = await storage.generate_presigned_url("key")
        answer = await anybody.get(url)
    assert answer.content == b"content"
    assert answer.headers["content-type"] == "text/plain"

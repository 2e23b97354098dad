"""What the service does with stored objects, against a real S3 service."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr

from app.common.oss import ObjectStorage, ensure_bucket, open_storage
from app.common.storage_client import (
    BucketNotFound,
    StorageAccessDenied,
    StorageUnavailable,
)
from app.core.config import Settings
from tests.machinery.forwarding import forwarded

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


async def test_a_given_content_type_wins(storage: ObjectStorage) -> None:
    await storage.upload_file("a.pdf", b"", content_type="text/csv")
    download = await storage.download_file("a.pdf")
    download.close()
    assert download.content_type == "text/csv"


async def test_a_download_to_a_path_replaces_it_whole(
    storage: ObjectStorage,
    tmp_path: Path,
) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"old")
    await storage.upload_file("key", b"new")
    assert await storage.download_to_path("key", path) == 3
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["copy"]


async def test_a_download_that_stops_midway_is_an_error_and_leaves_the_path_as_it_was(
    storage: ObjectStorage,
    corner: Settings,
    tmp_path: Path,
) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"old")
    await storage.upload_file("key", b"x" * 1_000_000)
    async with forwarded(corner.S3_ENDPOINT or "", cut_after=500_000) as way:
        changes = {"S3_ENDPOINT": f"http://127.0.0.1:{way.port}"}
        async with open_storage(corner.model_copy(update=changes)) as cut:
            with pytest.raises(StorageUnavailable):
                await cut.download_to_path("key", path)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["copy"]


async def test_a_temporary_file_is_gone_afterwards(storage: ObjectStorage) -> None:
    await storage.upload_file("folder/report.pdf", b"content")
    async with storage.temporary_file("folder/report.pdf") as path:
        assert path.name == "report.pdf"
        assert path.read_bytes() == b"content"
    assert not path.parent.exists()


async def test_what_is_known_of_an_object(storage: ObjectStorage) -> None:
    await storage.upload_file("folder/key", b"content")
    known = await storage.stat("folder/key")
    assert (known.key, known.size) == ("folder/key", 7)
    assert abs(known.modified_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert [listed.etag async for listed in storage.list_objects()] == [known.etag]


async def test_a_copy_keeps_content_and_type(storage: ObjectStorage) -> None:
    await storage.upload_file("ä b+c.txt", b"content", content_type="text/csv")
    await storage.copy("ä b+c.txt", "copies/d.txt")
    download = await storage.download_file("copies/d.txt")
    assert [chunk async for chunk in download] == [b"content"]
    assert download.content_type == "text/csv"


async def test_a_list_leaves_out_what_others_put_there(
    s3_client: "S3Client",
    storage: ObjectStorage,
    corner: Settings,
) -> None:
    await storage.upload_file("folder/key", b"content")
    for foreign in ("", "folder/"):
        key = f"{corner.S3_PREFIX}/{foreign}"
        await s3_client.put_object(Bucket=corner.S3_BUCKET, Key=key)
    assert [found.key async for found in storage.list_objects()] == ["folder/key"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"S3_BUCKET": "no-such-bucket"}, BucketNotFound),
        ({"S3_SECRET_ACCESS_KEY": SecretStr("wrong")}, StorageAccessDenied),
    ],
)
async def test_a_missing_bucket_and_wrong_keys_are_told_apart(
    corner: Settings,
    changes: dict[str, Any],
    error: type[Exception],
) -> None:
    async with open_storage(corner.model_copy(update=changes)) as storage:
        for failing in (
            storage.check(),
            storage.upload_file("key", b""),
            storage.download_file("key"),
            storage.exists("key"),
            anext(storage.list_objects()),
        ):
            with pytest.raises(error):
                await failing


async def test_a_server_that_says_nothing_is_given_up(
    corner: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The client tries once more, after up to a second.
    monkeypatch.setattr(
        "botocore.retries.standard.ExponentialBackoff.delay_amount",
        lambda *_: 0,
    )

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        changes = {
            "S3_ENDPOINT": f"http://127.0.0.1:{port}",
            "S3_CONNECT_TIMEOUT": 0.2,
            "S3_READ_TIMEOUT": 0.05,
        }
        async with open_storage(corner.model_copy(update=changes)) as storage:
            with pytest.raises(StorageUnavailable):
                await storage.check()
            async with asyncio.timeout(10):
                with pytest.raises(StorageUnavailable):
                    await storage.upload_file("key", b"content")


async def test_urls_for_callers_name_the_address_at_which_they_reach_the_server(
    corner: Settings,
) -> None:
    assert corner.S3_ENDPOINT is not None
    inside = urlsplit(corner.S3_ENDPOINT)
    if inside.hostname != "127.0.0.1":
        pytest.skip("The server of TEST_S3_ENDPOINT has one address here.")
    outside = f"http://localhost:{inside.port}"
    public = corner.model_copy(update={"S3_PUBLIC_ENDPOINT": outside})
    async with open_storage(public) as storage, httpx2.AsyncClient() as caller:
        await storage.upload_file("key", b"content")
        url = await storage.generate_presigned_url("key")
        assert url.startswith(f"{outside}/")
        assert (await storage.get_public_url("key")).startswith(f"{outside}/")
        assert (await caller.get(url)).content == b"content"
        assert (await caller.get(url.replace("localhost", inside.hostname))).status_code == 403


async def test_an_expired_or_changed_url_opens_nothing(
    storage: ObjectStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await storage.upload_file("key", b"content")
    await storage.upload_file("other", b"content")
    url = await storage.generate_presigned_url("key")
    with monkeypatch.context() as clock:
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        clock.setattr("botocore.auth.get_current_datetime", lambda: hour_ago)
        expired = await storage.generate_presigned_url("key", expires_in=1800)
    async with httpx2.AsyncClient() as anybody:
        for refused in (expired, url.replace("/key?", "/other?"), url + "0", url.partition("?")[0]):
            assert (await anybody.get(refused)).status_code == 403
        assert (await anybody.delete(url)).status_code == 403
        assert (await anybody.get(url)).status_code == 200


async def test_files_on_their_way_are_kept_where_the_settings_say(
    corner: Settings,
    tmp_path: Path,
) -> None:
    before = tempfile.gettempdir()
    async with open_storage(corner.model_copy(update={"TEMP_DIR": str(tmp_path)})):
        assert tempfile.gettempdir() == str(tmp_path)
    assert tempfile.gettempdir() == before


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        (
            {"S3_ENDPOINT": None, "S3_REGION": "eu-west-1"},
            "https://files.s3.eu-west-1.amazonaws.com/dev/a%20b.txt",
        ),
        (
            {"S3_ENDPOINT": "https://oss-cn-hangzhou.aliyuncs.com"},
            "https://files.oss-cn-hangzhou.aliyuncs.com/dev/a%20b.txt",
        ),
        (
            {"S3_ENDPOINT": "https://minio.example.com:9000", "S3_ADDRESSING_STYLE": "path"},
            "https://minio.example.com:9000/files/dev/a%20b.txt",
        ),
        (
            {
                "S3_ENDPOINT": "https://account.r2.cloudflarestorage.com",
                "R2_PUBLIC_DOMAIN": "files.example.com",
            },
            "https://files.example.com/dev/a%20b.txt",
        ),
    ],
    ids=["AWS", "Aliyun OSS", "MinIO", "Cloudflare R2"],
)
async def test_a_public_url_has_the_form_of_its_service(
    settings: Settings,
    changes: dict[str, Any],
    url: str,
) -> None:
    usual = {"S3_BUCKET": "files", "S3_PREFIX": "dev", "S3_ADDRESSING_STYLE": "virtual"}
    async with open_storage(settings.model_copy(update=usual | changes)) as storage:
        assert await storage.get_public_url("a b.txt") == url
        signed = urlsplit(await storage.generate_presigned_url("a b.txt"))
    assert signed.scheme == "https"
    assert "X-Amz-Signature" in signed.query


async def test_the_bucket_is_made_once(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"S3_BUCKET": f"test-{uuid4()}"})
    assert sum(await asyncio.gather(*(ensure_bucket(elsewhere) for _ in range(2)))) >= 1
    assert not await ensure_bucket(elsewhere)
    async with open_storage(elsewhere) as storage:
        assert elsewhere.S3_BUCKET in await storage.list_buckets()
        assert elsewhere.S3_BUCKET not in await storage.check()  # readiness is public


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]

"""The API while its object storage is unreachable."""

import httpx2
import pytest
from fastapi import FastAPI

from app.common.oss import STORAGE, StorageDep, open_storage
from app.core.config import Settings
from app.main import create_app
from devstack.process import HOST, free_port
from tests.machinery.forwarding import forwarded


async def test_the_api_starts_without_its_storage_and_finds_it_when_it_is_there(
    app: FastAPI,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The client tries once more, after up to a second.
    monkeypatch.setattr(
        "botocore.retries.standard.ExponentialBackoff.delay_amount",
        lambda *_: 0,
    )
    port = free_port()
    own = settings.model_copy(update={"S3_ENDPOINT": f"http://{HOST}:{port}"})
    api = create_app(own)

    @api.get("/uploaded")
    async def upload(storage: StorageDep) -> int:
        return await storage.upload_file("key", b"content")

    transport = httpx2.ASGITransport(app=api)
    async with (
        open_storage(own) as storage,
        httpx2.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        api.state.resources = {**app.state.resources, STORAGE.name: storage}

        answer = await client.get("/uploaded")
        assert answer.status_code == 503
        assert answer.json()["error"] == "storage_unavailable"
        assert answer.headers["retry-after"]

        async with forwarded(settings.S3_ENDPOINT or "", port=port):
            assert (await client.get("/uploaded")).status_code == 200
            assert await readiness(client) == (200, "up")
        assert await readiness(client) == (503, "down")


async def readiness(client: httpx2.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["resources"]["storage"]["status"]

"""The API while its object storage is unreachable."""

import pytest
from fastapi import FastAPI

from app.common.oss import STORAGE, StorageDep, open_storage
from app.core.config import Settings
from app.main import create_app
from devstack.process import HOST, free_port
from tests.asgi import client_of


async def test_without_its_storage_the_api_is_not_ready_and_says_503(
    app: FastAPI,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The client tries once more, after up to a second.
    monkeypatch.setattr(
        "botocore.retries.standard.ExponentialBackoff.delay_amount",
        lambda *_: 0,
    )
    own = settings.model_copy(update={"S3_ENDPOINT": f"http://{HOST}:{free_port()}"})
    api = create_app(own)

    @api.get("/uploaded")
    async def upload(storage: StorageDep) -> int:
        return await storage.upload_file("key", b"content")

    async with open_storage(own) as storage, client_of(api) as client:
        api.state.resources = {**app.state.resources, STORAGE.name: storage}
        answer = await client.get("/uploaded")
        ready = await client.get("/health/ready")

    assert (answer.status_code, answer.json()["error"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"]
    assert (ready.status_code, ready.json()["resources"]["storage"]["status"]) == (503, "down")

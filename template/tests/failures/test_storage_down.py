"""The API while its object storage is away."""

from pathlib import Path

import httpx2
from fastapi import FastAPI
from pydantic import SecretStr

from app.common.oss import STORAGE, StorageDep, ensure_bucket, open_storage
from app.core.config import Settings
from app.main import create_app
from devstack.process import HOST, free_port
from devstack.s3 import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, S3Server


async def test_the_api_starts_without_its_storage_and_finds_it_when_it_is_there(
    app: FastAPI,
    settings: Settings,
    tmp_path: Path,
) -> None:
    port = free_port()
    own = settings.model_copy(
        update={
            "S3_ENDPOINT": f"http://{HOST}:{port}",
            "S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": SecretStr(SECRET_ACCESS_KEY),
            "S3_REGION": REGION,
            "S3_ADDRESSING_STYLE": "path",
        },
    )
    api = create_app(own)

    @api.get("/uploaded")
    async def upload(storage: StorageDep) -> int:
        return await storage.upload_file("key", b"content")

    server = S3Server(tmp_path, port=port, throwaway=True)
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

        try:
            await server.start()
            await ensure_bucket(own)
            assert (await client.get("/uploaded")).status_code == 200
            assert await readiness(client) == (200, "up")
        finally:
            await server.kill()
        assert await readiness(client) == (503, "down")


async def readiness(client: httpx2.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["resources"]["storage"]["status"]

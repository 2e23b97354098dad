"""The time that the settings leave a request."""

import asyncio

from app.core.config import Settings
from app.main import create_app
from tests.asgi import client_of


async def test_an_answer_that_has_not_begun_in_time_is_503(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"REQUEST_TIMEOUT": 0.05}))

    @app.get("/forever")
    async def forever() -> None:
        await asyncio.Event().wait()

    async with client_of(app) as client, asyncio.timeout(30):
        response = await client.get("/forever")

    assert (response.status_code, response.json()["error"]) == (503, "request_timed_out")

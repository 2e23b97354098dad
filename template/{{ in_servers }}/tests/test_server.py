"""The API as a program that is told to end."""

import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2

from tests.live import LiveService
from tests.polling import until


async def test_a_request_that_is_on_its_way_when_the_api_ends_is_answered(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with live_service() as service, httpx2.AsyncClient(base_url=service.url) as client:

        async def is_ending() -> bool:
            return "Shutting down" in service.api.log.read_text()

        async def has_ended() -> bool:
            return not service.api.running

        answer = await client.get("/health/live")
        assert "Connection" not in answer.headers
        service.api.send_signal(signal.SIGTERM)
        await until(is_ending)

        answer = await client.get("/health/live")
        assert answer.status_code == 200
        assert answer.headers["Connection"] == "close"
        await until(has_ended)

"""The API as a program that is told to end."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from tests.live import LiveService


@pytest.mark.parametrize(("proxies", "scheme"), [("127.0.0.0/8", "https"), ("192.0.2.1", "http")])
async def test_the_scheme_is_what_a_trusted_proxy_says(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    proxies: str,
    scheme: str,
) -> None:
    """It is set in a file here: the variable is read by uvicorn itself as well."""
    async with (
        live_service(api=False, background=False, FORWARDED_ALLOW_IPS=[]) as service,
        httpx2.AsyncClient(base_url=service.url) as client,
    ):
        (service.api.log.parent / ".env.test").write_text(f"FORWARDED_ALLOW_IPS={proxies}\n")
        await service.api.start()
        answer = await client.get("/health/live/", headers={"X-Forwarded-Proto": "https"})

    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"{scheme}://")

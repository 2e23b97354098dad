"""The worker as a program."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.live import LiveService


async def test_it_ends_in_order_when_it_is_asked_to(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with live_service(api=False) as service:
        await service.background["worker"].stop()
        assert service.background["worker"].returncode == 0
        assert "The worker has ended." in service.background["worker"].log.read_text()

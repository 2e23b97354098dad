"""The servers of the chaos tier: they keep what they have acknowledged, as in production."""

from collections.abc import AsyncIterator, Sequence

import pytest

from devstack.stack import Stack
from tests.live_program import preload
from tests.servers import start, temporary_folder


@pytest.fixture(scope="session")
async def live_servers(preloaded: Sequence[str]) -> AsyncIterator[Stack]:
    """Return the servers of `live_service`; PostgreSQL waits for the disk at each commit."""
    stack = Stack(temporary_folder())
    preload(preloaded)
    try:
        await start(stack)
        yield stack
    finally:
        await stack.kill()

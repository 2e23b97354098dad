"""The service as real processes, with servers that a test may kill."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from app.core.config import SERVICE_NAME, Settings
from devstack.prepare import prepare
from devstack.process import HOST, free_port
from devstack.stack import BACKGROUND_PROGRAMS, Stack
from tests.environment import environment_of
from tests.live_program import LISTENS, Program
from tests.run_settings import make_settings
from tests.servers import temporary_folder


@dataclass(frozen=True, slots=True)
class LiveService:
    """A running service.

    Attributes:
        settings: what it runs with.
        servers: its servers, of which each can be stopped, killed and started again.
        url: where its API answers.
        api: the process of the API.
        background: the processes of its other programs, by name.
    """

    settings: Settings
    servers: Stack
    url: str
    api: Program
    background: Mapping[str, Program]


@asynccontextmanager
async def _run(
    servers: Stack,
    *,
    api: bool = True,
    background: bool = True,
    **settings: Any,
) -> AsyncIterator[LiveService]:
    for server in servers.servers:
        if not server.process.running:
            await server.start()
    name = f"{SERVICE_NAME}-live-{secrets.token_hex(4)}"
    values = {**servers.environment(name, {}), **settings}
    await servers.provide(values)
    made = make_settings(values)
    await prepare(made)
    environment = environment_of(made)
    folder = temporary_folder()
    port = free_port()
    serve = ["serve", "--host", HOST, "--port", str(port)]
    service = LiveService(
        settings=made,
        servers=servers,
        url=f"http://{HOST}:{port}",
        api=Program(serve, environment, folder / "api", LISTENS),
        background={
            name: Program([name], environment, folder / name, f"The {name} is ready")
            for name in BACKGROUND_PROGRAMS
        },
    )
    try:
        await asyncio.gather(
            *([service.api.start()] if api else []),
            *(program.start() for program in service.background.values() if background),
        )
        yield service
    finally:
        for program in (service.api, *service.background.values()):
            await program.kill()
        await servers.discard(values)


@pytest.fixture(scope="session")
async def live_servers(stacks: Mapping[str, Stack]) -> Stack:
    """The servers of `live_service`, apart from those that the other tests share."""
    if sys.platform == "win32":
        pytest.skip("Windows has no signals to stop a program with.")
    return stacks["live_servers"]


@pytest.fixture(scope="session")
def live_service(
    live_servers: Stack,
) -> Callable[..., AbstractAsyncContextManager[LiveService]]:
    """Start the service for a while: `async with live_service() as service:`.

    Its servers hold nothing of other tests. `api=False` or `background=False` leaves those programs
    to the test; other arguments are settings, such as `HEALTH_TIMEOUT=0.5`.
    """
    return partial(_run, live_servers)

"""Opens the resources when a program starts and closes them in reverse when it ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from app.core.config import Settings
from app.core.resources import RESOURCES


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[dict[str, Any]]:
    """Yield the handle of every resource by its name.

    Raises:
        StartupError: a server that the program cannot do without does not answer; what was
            opened before it is closed again.
    """
    async with AsyncExitStack() as stack:
        handles: dict[str, Any] = {}
        for resource in RESOURCES:
            handles[resource.name] = await stack.enter_async_context(resource.open(settings))
        yield handles


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the resources open while the API serves; handlers reach them through dependencies."""
    async with open_resources(app.state.settings) as handles:
        app.state.resources = handles
        yield

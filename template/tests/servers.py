"""The servers of a test run: started for it, or yours where a TEST_ variable names one."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.config import SERVICE_NAME, Settings
from devstack import watchdog
from devstack.server import MissingProgram
from devstack.stack import Stack


def yours() -> dict[str, str]:
    """Return the settings of servers that the tests use instead of starting one.

    TEST_<setting> gives each. They are never those that development or production uses: what this
    service has there is deleted.
    """
    given = {name: os.environ.get(f"TEST_{name}") for name in Settings.model_fields}
    return {name: value for name, value in given.items() if value}


def temporary_folder() -> Path:
    """Return a new folder for the data of servers; it is deleted when this program ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"{SERVICE_NAME}-tests-"))
    watchdog.guard_folder(folder)
    return folder


async def start(stack: Stack) -> None:
    """Start the servers; where their programs are missing, skip the test, but fail in CI."""
    try:
        await stack.start()
    except MissingProgram as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Stack]:
    """The servers that the tests share; a test that stops one takes `live_service` instead."""
    stack = Stack(temporary_folder(), throwaway=True)
    given = yours()
    stack.servers = [one for one in stack.servers if given.keys().isdisjoint(one.address_settings)]
    try:
        await start(stack)
        yield stack
    finally:
        await stack.kill()

"""The servers of a test run: started for it, or yours where a TEST_ variable names one."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.config import SERVICE_NAME, Settings
from devstack import watchdog
from devstack.server import MissingProgram
from devstack.stack import Stack
from tests.live_program import preload
from tests.run_settings import make_settings


def yours() -> dict[str, str]:
    """Return the settings of servers that the tests use instead of starting one.

    TEST_<setting> gives each. They are never those that development or production uses: what this
    service has there is deleted.
    """
    given = {name: os.environ.get(f"TEST_{name}") for name in Settings.model_fields}
    found = {name: value for name, value in given.items() if value}
    try:
        make_settings(found)
    except ValidationError as error:
        faults = [
            f"TEST_{fault['loc'][0]}: {fault['msg']}."
            for fault in error.errors()
            if fault["loc"] and fault["loc"][0] in found
        ]
        if faults:
            pytest.exit("\n".join(faults), returncode=4)
    return found


def temporary_folder() -> Path:
    """Return a new folder for the data of servers; it is deleted when this program ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"{SERVICE_NAME}-tests-"))
    watchdog.guard_folder(folder)
    return folder


async def start(*stacks: Stack) -> None:
    """Start the servers; where their programs are missing, skip the test, but fail in CI."""
    starts = [stack.start() for stack in stacks]
    for outcome in await asyncio.gather(*starts, return_exceptions=True):
        if isinstance(outcome, MissingProgram) and not os.environ.get("CI"):
            pytest.skip(str(outcome))
        if outcome is not None:
            raise outcome


@pytest.fixture(scope="session")
async def stacks(
    request: pytest.FixtureRequest,
    preloaded: Sequence[str],
) -> AsyncIterator[Mapping[str, Stack]]:
    """All servers that the tests of this run need, started side by side, by their fixtures."""
    wanted = {
        name
        for test in request.session.items
        if isinstance(test, pytest.Function)
        for name in test.fixturenames
    }
    stacks: dict[str, Stack] = {}
    if "servers" in wanted:
        shared = stacks["servers"] = Stack(temporary_folder(), throwaway=True)
        given = yours()
        shared.servers = [
            server for server in shared.servers if given.keys().isdisjoint(server.address_settings)
        ]
    if "live_servers" in wanted and sys.platform != "win32":
        stacks["live_servers"] = Stack(temporary_folder(), throwaway=True)
        preload(preloaded)
    try:
        await start(*stacks.values())
        yield stacks
    finally:
        await asyncio.gather(*(stack.kill() for stack in stacks.values()))


@pytest.fixture(scope="session")
async def servers(stacks: Mapping[str, Stack]) -> Stack:
    """The servers that the tests share; a test that stops one takes `live_service` instead."""
    return stacks["servers"]

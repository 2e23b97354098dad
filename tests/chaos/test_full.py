"""A database whose disk is full."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from devstack.postgres import PostgresServer, create_database
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import Load, some_of_each
from tests.chaos.test_killed import SOON, says
from tests.live import LiveService
from tests.polling import until

SIZE = "128m"
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "--non-interactive")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Yield a folder on a disk of its own; skip where nobody lets us."""
    folder.mkdir()
    options = f"size={SIZE},uid={os.getuid()},gid={os.getgid()}"
    # `env` says so where there is no sudo.
    mount = ["env", *AS_ROOT, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)  # noqa: S603 (ours)
    if done.returncode:
        pytest.skip(f"A small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([*AS_ROOT, "umount", "--lazy", folder], check=True)  # noqa: S603 (ours)


def fill(folder: Path) -> Path:
    """Write a file that takes all the slots there is, and return it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 65536):
            pass
    return filler


async def test_a_full_disk_is_an_outage_that_ends_when_there_is_room(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        server = PostgresServer(disk)
        await server.start()
        address = server.url("full")
        await create_database(server.url("postgres"), "full")
        try:
            async with live_service(DATABASE_URL=address, **SOON) as service:
                async with Load(service) as load:
                    await some_of_each(load)
                    filler = fill(disk)

                    async def are_refused() -> bool:
                        return len(load.refusals) > 20

                    await until(are_refused, within=60)
                    await some_of_each(load, {"alive", "list"})

                    # Without slots for its log, PostgreSQL ends; something starts it again.
                    ending = await asyncpg.connect(server.url("postgres"))
                    with suppress(asyncpg.PostgresError, OSError):
                        await ending.execute("SELECT pg_switch_wal()")
                        await ending.execute("CREATE TABLE lost ()")
                    await until(partial(says, service, 503, "database", "down"), within=60)
                    filler.unlink()
                    if not server.process.running:
                        await server.start()
                    await until(partial(says, service, 200, "database", "up"), within=60)
                    await some_of_each(load)
                load.require_only_clear_refusals()
                assert not load.broken
                await check_that_nothing_is_lost(service, load)
        finally:
            await server.kill()

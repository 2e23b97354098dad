"""A pooler between the service and its database."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from secrets import token_hex
from socket import create_connection

import pytest

from app.core.database import connected_engine
from app.core.resource import StartupError
from devstack.postgres import OTHER_USER
from devstack.process import HOST, Process, free_port
from devstack.stack import Stack
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import Load, some_of_each
from tests.live import LiveService
from tests.polling import until
from tests.run_settings import make_settings

PROGRAM = shutil.which("pgbouncer")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed.")


@asynccontextmanager
async def pooler(servers: Stack, mode: str, folder: Path) -> AsyncIterator[str]:
    """Yield the address of a PgBouncer for any database of the servers."""
    port = free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={HOST} port={servers.postgres.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = 50\n"
    )
    account = OTHER_USER.prefix if os.geteuid() == 0 else ()  # PgBouncer refuses to run as root
    process = Process(folder / "pgbouncer.json")
    with (folder / "log").open("wb") as log:
        await process.start([*account, str(PROGRAM), str(configuration)], output=log)

    async def answers() -> bool:
        try:
            with closing(create_connection((HOST, port))):
                return True
        except OSError:
            return False

    try:
        await until(answers)
        yield f"postgresql://postgres@{HOST}:{port}"
    finally:
        await process.kill()


async def test_behind_a_pooler_in_session_mode_all_is_well(
    live_servers: Stack,
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
) -> None:
    async with pooler(live_servers, "session", tmp_path) as at:
        address = f"{at}/pooled_{token_hex(4)}"
        async with live_service(DATABASE_URL=address, DB_POOL_SIZE=5) as service:
            async with Load(service) as load:
                await some_of_each(load)
                await some_of_each(load)
            assert not load.broken
            await check_that_nothing_is_lost(service, load)


async def test_behind_a_pooler_in_transaction_mode_the_start_is_refused(
    live_servers: Stack,
    tmp_path: Path,
) -> None:
    async with pooler(live_servers, "transaction", tmp_path) as at:
        settings = make_settings(
            {**live_servers.environment("pooled", {}), "DATABASE_URL": f"{at}/postgres"},
        )
        for _ in range(3):
            with pytest.raises(StartupError, match="a pooler in transaction mode"):
                async with connected_engine(settings):
                    pass

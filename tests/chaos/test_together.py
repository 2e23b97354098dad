"""Two instances of the service that start at once on an empty database."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from app.core.config import Settings
from app.core.nats.resource import declared_streams
from devstack.postgres import address_of, create_database
from devstack.process import HOST, free_port
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import Load, some_of_each
from tests.chaos.test_killed import SOON
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import LISTENS, Program
from tests.messages import connected
from tests.polling import until

ACTIVE = "The outbox relay is active in this process."


async def relaying(*instances: LiveService) -> list[LiveService]:
    """Return which of them has become the relay."""
    return [each for each in instances if ACTIVE in each.background["worker"].log.read_text()]


def instance(service: LiveService, settings: Settings, folder: Path) -> LiveService:
    """Return another instance of a service."""
    folder.mkdir()
    environment = environment_of(settings)
    port = free_port()
    serve = ["serve", "--host", HOST, "--port", str(port)]
    return replace(
        service,
        settings=settings,
        url=f"http://{HOST}:{port}",
        api=Program(serve, environment, folder / "api", LISTENS),
        background={
            "worker": Program(["worker"], environment, folder / "worker", "The worker is ready"),
        },
    )


async def start(service: LiveService) -> None:
    """Migrate, then start the API and the worker, as compose.yaml does."""
    migration = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "migrate"),
        env=environment_of(service.settings),
    )
    assert await migration.wait() == 0
    await asyncio.gather(service.api.start(), service.background["worker"].start())


async def test_two_instances_make_one_schema_and_one_relays(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
) -> None:
    async with (
        live_service(api=False, background=False, **SOON) as service,
        AsyncExitStack() as stack,
    ):
        empty = address_of("together", service.settings.database_url_sync)
        await create_database(service.settings.database_url_sync, "together")
        settings = service.settings.model_copy(update={"DATABASE_URL": SecretStr(empty)})
        async with connected(settings) as nats:
            for stream in declared_streams(settings):
                await nats.js.delete_stream(str(stream.name))
        instances = [instance(service, settings, tmp_path / name) for name in ("one", "other")]
        for each in instances:
            stack.push_async_callback(each.api.kill)
            stack.push_async_callback(each.background["worker"].kill)
        await asyncio.gather(*map(start, instances))
        one, other = instances
        async with Load(one, callers=4) as load, Load(other, callers=4) as other_load:
            await asyncio.gather(some_of_each(load), some_of_each(other_load))
            (active,) = await until(partial(relaying, one, other))
            await active.background["worker"].kill()
            (left,) = [each for each in (one, other) if each is not active]
            await until(partial(relaying, left))
            await asyncio.gather(some_of_each(load), some_of_each(other_load))
        for callers in (load, other_load):
            assert callers.statuses() <= {200, 201, 202}, callers.answers
            assert not callers.broken
            await check_that_nothing_is_lost(left, callers)
        database = await asyncpg.connect(empty)
        assert len(await database.fetch("SELECT * FROM alembic_version")) == 1
        await database.close()

"""More requests than there are connections for."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import asyncpg

from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import Load, some_of_each
from tests.live import LiveService
from tests.polling import until

FEW = {"DB_POOL_SIZE": 2, "DB_MAX_OVERFLOW": 0, "DB_POOL_TIMEOUT": 0.3}


async def test_who_finds_no_connection_is_told_to_come_again_and_is_served_then(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
) -> None:
    async with live_service(**FEW) as service:
        database = await asyncpg.connect(service.settings.database_url_sync)
        async with Load(service) as load:
            await some_of_each(load)
            async with database.transaction():
                await database.execute("LOCK TABLE examples")  # which holds up who has a connection

                async def are_refused() -> bool:
                    return len(load.refusals) > 20

                await until(are_refused, within=60)
                await some_of_each(load, {"alive"})
            await some_of_each(load)
        await database.close()
        load.require_only_clear_refusals()
        assert {refusal.json()["message"] for refusal in load.refusals} == {
            "Every database connection is in use."
        }
        assert not load.broken
        await check_that_nothing_is_lost(service, load)

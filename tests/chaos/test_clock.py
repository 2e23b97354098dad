"""Programs whose clocks are wrong: time-machine shifts what Python reads of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest
import time_machine

from app.common.security import create_access_token
from devstack.process import HOST
from tests.chaos.ledger import check_that_nothing_is_lost
from tests.chaos.load import EXAMPLES, KINDS, Load, some_of_each
from tests.chaos.test_killed import SOON, says
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import LISTENS, Program, run_command
from tests.polling import until

EVENT_MAX_AGE = 3600
HANDLED = """
    INSERT INTO inbox (event_id, handler, handled_at)
    SELECT gen_random_uuid(), name, now() - age::interval FROM unnest($1::text[], $2::text[])
    AS entries (name, age)
"""


def run_shifted(
    hours: int,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
) -> None:
    """Become a program of the service whose clock is so many hours ahead."""
    time_machine.travel(shifted(hours), tick=True).start()
    run_command(arguments, environment, log)


def shifted(hours: int) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def token_of(service: LiveService, hours: int, minutes: int = 24 * 60) -> str:
    """Return a token that a machine has made whose clock is so many hours ahead.

    `minutes`: how long it is valid.
    """
    with time_machine.travel(shifted(hours), tick=True):
        return create_access_token(service.settings, "chaos", timedelta(minutes=minutes))


@pytest.mark.parametrize("hours", [1, -1])
async def test_nothing_depends_on_the_clocks_of_programs_but_what_has_an_expiry(
    hours: int,
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    tmp_path: Path,
) -> None:
    settings = {"EVENT_MAX_AGE": EVENT_MAX_AGE, **SOON}
    async with live_service(api=False, background=False, **settings) as service:
        database = await asyncpg.connect(service.settings.database_url_sync)
        await database.execute(
            HANDLED, ["old", "young"], ["30 days 150 minutes", "30 days 90 minutes"]
        )
        environment = environment_of(service.settings)
        port = service.url.rpartition(":")[2]
        api, worker = (
            Program(
                arguments,
                environment,
                tmp_path / name,
                sign,
                become=partial(run_shifted, ahead),
            )
            for name, arguments, sign, ahead in (
                ("api", ["serve", "--host", HOST, "--port", port], LISTENS, hours),
                ("worker", ["worker"], "The worker is ready", -hours),
            )
        )
        try:
            await asyncio.gather(api.start(), worker.start())
            async with Load(service, token=token_of(service, -2)) as load:
                await some_of_each(load, KINDS - {"attach"})

                async def is_pruned() -> bool:
                    handlers = await database.fetch("SELECT DISTINCT handler FROM inbox")
                    return "old" not in {row["handler"] for row in handlers}

                await until(is_pruned, within=30)
                assert await database.fetchval("SELECT count(*) FROM inbox WHERE handler = 'young'")
            assert not load.broken
            # The storage takes no signature that is an hour old or not made yet, and we say so.
            assert {refusal.request.url.path[-11:] for refusal in load.refusals} == {"attachments"}
            assert {refusal.status_code for refusal in load.refusals} == {503}
            assert {refusal.json()["error"] for refusal in load.refusals} == {
                "storage_access_denied"
            }
            assert await says(service, 503, "storage", "down")
            await check_that_nothing_is_lost(service, load)
            tokens = {
                token_of(service, -2): 201,
                token_of(service, 0): 201 if hours > 0 else 401,
                token_of(service, 2): 401,
                token_of(service, 0, minutes=30): 401,
            }
            async with httpx2.AsyncClient(base_url=service.url) as client:
                for token, status in tokens.items():
                    answer = await client.post(
                        EXAMPLES,
                        json={"name": uuid4().hex},
                        headers={"Authorization": f"Bearer {token}"},
                    )
                    assert answer.status_code == status, answer.json()
        finally:
            await api.kill()
            await worker.kill()
            await database.close()

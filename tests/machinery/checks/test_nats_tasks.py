"""What the command line says and does about tasks and their stream."""

import asyncio
import shutil
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.core.config import Settings
from app.core.nats.streams import DEAD_LETTERS_STREAM, dead_letter_subject
from app.core.tasks.broker import CustomJetStreamBroker
from tests.commands import run
from tests.messages import connected, running, stored
from tests.polling import until


def test_a_missing_stream_is_a_failure_and_looking_does_not_make_it(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("NATS_STREAM", "NOBODY_MADE_THIS")

    for _ in range(2):
        ended = run(capsys, "check", "nats")

        assert ended.code == 1
        assert "The stream NOBODY_MADE_THIS is missing." in ended.output


@pytest.mark.usefixtures("environment")
def test_init_takes_the_name_of_the_stream_and_refuses_one_that_cannot_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(Path(__file__).parents[3] / ".env.example", ".env.example")

    refused = run(capsys, "init", "--nats-stream", "no good")
    taken = run(capsys, "init", "--nats-stream", "SHOP_TASKS")

    assert refused.code == 1
    assert "'no good' will not do as NATS_STREAM" in refused.errors
    assert taken.code == 0, taken
    assert dotenv_values(".env.development")["NATS_STREAM"] == "SHOP_TASKS"


@pytest.mark.usefixtures("environment")
async def test_a_task_that_failed_for_good_runs_once_more_when_it_is_replayed(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    attempts: list[int] = []
    broker = CustomJetStreamBroker()

    @broker.task
    async def fail_first() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("the first time")

    async def letters() -> list[str]:
        found = await stored(nats, DEAD_LETTERS_STREAM, dead_letter_subject("tasks"))
        return [str(letter.seq) for letter in found if b"fail_first" in (letter.data or b"")]

    async def ran_twice() -> bool:
        return len(attempts) == 2

    async with connected(settings.model_copy(update={"TASK_MAX_DELIVERIES": 1})) as nats:
        await broker.open(nats)
        async with running(broker.work):
            await fail_first.kiq()
            (letter,) = await until(letters)
            replayed = await asyncio.to_thread(run, capsys, "dead-letters", "--replay", letter)
            await until(ran_twice)

        assert replayed.code == 0
        assert await letters() == []

"""What the command line says and does about the stream of the tasks."""

import shutil
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.commands import run


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
    shutil.copy(Path(__file__).parents[2] / ".env.example", ".env.example")

    refused = run(capsys, "init", "--nats-stream", "no good")
    taken = run(capsys, "init", "--nats-stream", "SHOP_TASKS")

    assert refused.code == 1
    assert "'no good' will not do as NATS_STREAM" in refused.errors
    assert taken.code == 0, taken
    assert dotenv_values(".env.development")["NATS_STREAM"] == "SHOP_TASKS"

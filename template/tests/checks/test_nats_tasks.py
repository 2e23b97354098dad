"""What the command line says about the stream of the tasks while it is missing."""

import pytest

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

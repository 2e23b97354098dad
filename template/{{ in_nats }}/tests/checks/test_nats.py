"""What the command line says and does about NATS."""

import pytest

from app.core.config import Settings
from app.core.nats.resource import declared_streams
from tests.commands import run


@pytest.mark.usefixtures("environment")
def test_check_says_for_each_stream_that_it_is_there(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "check", "nats")

    assert ended.code == 0, ended
    for stream in declared_streams(settings):
        assert f"The stream {stream.name} exists" in ended.output


def test_nats_that_does_not_answer_is_described_without_its_password(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("NATS_URL", "nats://bob:hunter2@127.0.0.1:1")
    environment.setenv("NATS_CONNECT_TIMEOUT", "0.1")

    looked = run(capsys, "check", "nats")
    set_up = run(capsys, "streams")

    assert (looked.code, set_up.code) == (1, 1)
    assert "NATS is unreachable at nats://127.0.0.1:1" in looked.output
    assert "NATS is unreachable at nats://127.0.0.1:1" in set_up.errors
    *warnings, _reason = set_up.errors.splitlines()
    assert [line for line in warnings if not line.startswith("WARNING: NATS: ")] == []
    assert "hunter2" not in looked.output + looked.errors + set_up.output + set_up.errors

"""What the command line says and does about NATS."""

import pytest

from app.core.config import Settings
from app.core.nats.resource import declared_streams
from tests.commands import run


@pytest.mark.usefixtures("environment")
def test_setting_up_the_streams_again_changes_nothing(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "streams")

    assert ended.code == 0, ended
    assert ended.output.count(" is as declared.") == len(declared_streams(settings))

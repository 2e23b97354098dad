"""What the command line says about the object storage."""

import pytest

from app.core.config import Settings
from tests.commands import run


@pytest.mark.usefixtures("environment")
def test_check_stores_an_object_reads_it_back_and_leaves_nothing(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = [run(capsys, "check", "storage") for _ in range(2)]

    assert [one.code for one in ended] == [0, 0], ended
    for step in (
        settings.S3_BUCKET,
        "uploaded",
        "read the same bytes back",
        "deleted it",
        f"presigned URLs begin with {settings.S3_ENDPOINT}",
    ):
        assert step in ended[1].output
    listed = next(line for line in ended[1].output.splitlines() if line.startswith("objects below"))
    assert "connection-test" not in listed


def test_a_storage_that_refuses_is_described_without_the_secret(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("S3_SECRET_ACCESS_KEY", "hunter2")

    ended = run(capsys, "bucket")

    assert ended.code == 1
    assert ended.errors.startswith("The object storage denies access to this service. (")
    assert "403" in ended.errors
    assert "hunter2" not in ended.errors

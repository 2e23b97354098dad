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
    for step in (settings.S3_BUCKET, "uploaded", "read the same bytes back", "deleted it"):
        assert step in ended[1].output
    listed = next(line for line in ended[1].output.splitlines() if line.startswith("objects below"))
    assert "connection-test" not in listed


def test_a_storage_that_does_not_answer_is_described_without_its_secret(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("S3_ENDPOINT", "http://127.0.0.1:1")
    environment.setenv("S3_SECRET_ACCESS_KEY", "hunter2")

    ended = run(capsys, "check", "storage")

    assert ended.code == 1
    assert "FAILED" in ended.output
    assert "127.0.0.1:1" in ended.output
    assert "hunter2" not in ended.output + ended.errors


def test_a_missing_bucket_is_named_as_such(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("S3_BUCKET", "nobody-made-this")

    ended = run(capsys, "check")

    assert ended.code == 1
    assert "The object storage has no such bucket." in ended.output


@pytest.mark.usefixtures("environment")
def test_making_the_bucket_again_changes_nothing(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "bucket")

    assert ended.code == 0, ended
    assert ended.output == f"The bucket {settings.S3_BUCKET} was there already.\n"

"""What the command line says about the object storage."""

import shutil
from pathlib import Path

import pytest
from dotenv import dotenv_values

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
    assert ended.errors.startswith("The object storage refuses what this service asks of it. (")
    assert "403" in ended.errors
    assert "hunter2" not in ended.errors


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


@pytest.mark.usefixtures("environment")
def test_init_takes_the_name_of_the_bucket_and_refuses_one_that_cannot_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(Path(__file__).parents[2] / ".env.example", ".env.example")

    refused = run(capsys, "init", "--bucket", "no good")
    taken = run(capsys, "init", "--bucket", "shop-dev")

    assert refused.code == 1
    assert "'no good' will not do as S3_BUCKET" in refused.errors
    assert taken.code == 0, taken
    assert dotenv_values(".env.development")["S3_BUCKET"] == "shop-dev"

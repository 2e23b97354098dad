"""What the command line says about the object storage."""

import shutil
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.core.config import Settings
from tests.commands import run

NEEDS = "app.common.oss"


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
    assert ended.output == f"The bucket {settings.S3_BUCKET} already exists.\n"


@pytest.mark.usefixtures("environment")
def test_init_takes_the_name_of_the_bucket_and_refuses_one_that_cannot_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(Path(__file__).parents[3] / ".env.example", ".env.example")

    refused = run(capsys, "init", "--bucket", "no good")
    taken = run(capsys, "init", "--bucket", "shop-dev")

    assert refused.code == 1
    assert "'no good' will not do as S3_BUCKET" in refused.errors
    assert taken.code == 0, taken
    assert dotenv_values(".env.development")["S3_BUCKET"] == "shop-dev"

"""What the command line says and does about the database."""

import asyncio
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.dialect import TITLE
from tests.commands import run
from tests.dialect import address_of, create_database, drop_database


@pytest.mark.usefixtures("environment")
def test_check_says_which_version_and_whether_the_schema_is_right(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "check", "database")

    assert ended.code == 0, ended
    assert f"{TITLE} " in ended.output
    assert "The schema matches the models." in ended.output
    assert f"/{settings.database_url.rpartition('/')[2]}\n" in ended.output


def test_a_database_that_does_not_answer_is_described_without_its_password(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://bob:hunter2@127.0.0.1:1/shop")

    ended = run(capsys, "check", "database")

    assert ended.code == 1
    for part in ("FAILED", "bob", "127.0.0.1:1", "shop"):
        assert part in ended.output
    assert "hunter2" not in ended.output + ended.errors
    assert "Traceback" not in ended.output + ended.errors


@pytest.fixture
def empty(settings: Settings, environment: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings of the commands in this test: their database is empty."""
    name = f"{settings.database_url.rpartition('/')[2]}_empty"
    address = address_of(name, settings.database_url_sync)
    asyncio.run(create_database(settings.database_url_sync, name))
    environment.setenv("DATABASE_URL", address)
    yield settings.model_copy(update={"DATABASE_URL": SecretStr(address)})
    asyncio.run(drop_database(settings.database_url_sync, name))


@pytest.mark.usefixtures("empty")
def test_migrate_brings_an_empty_database_up_and_down(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = run(capsys, "migrate", "--check")
    looked = run(capsys, "check")
    up = run(capsys, "migrate")
    after = run(capsys, "migrate", "--check")
    down = run(capsys, "migrate", "base", "--down")

    newest = up.output.removeprefix("The schema is at ").removesuffix(".\n")
    assert (before.code, after.code) == (0 if newest == "base" else 1, 0)
    assert looked.code == before.code
    assert ("Apply it with `migrate`." in looked.output) == (newest != "base")
    assert down.output == "The schema is at base.\n"

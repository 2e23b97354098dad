"""What the command line says and does about the database."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr
from sqlalchemy import text

from app.core.config import Settings
from app.core.database import connected_engine
from tests.commands import run
from tests.dialect import address_of, create_database, drop_database


@pytest.fixture
def empty(settings: Settings, environment: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings of the commands in this test: their database is empty."""
    name = f"{settings.database_url.rpartition('/')[2]}_empty"
    address = address_of(name, settings.database_url_sync)
    asyncio.run(create_database(settings.database_url_sync, name))
    environment.setenv("DATABASE_URL", address)
    yield settings.model_copy(update={"DATABASE_URL": SecretStr(address)})
    asyncio.run(drop_database(settings.database_url_sync, name))


def test_a_database_that_is_ahead_of_the_code_is_described_as_that(
    empty: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def come_from_later() -> None:
        async with connected_engine(empty) as engine, engine.begin() as connection:
            await connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
            await connection.execute(text("INSERT INTO alembic_version VALUES ('later')"))

    asyncio.run(come_from_later())

    for command in (("migrate", "--check"), ("check",), ("check", "database")):
        ended = run(capsys, *command)

        assert ended.code == 1
        assert "The database is at the revision later, which is not in" in ended.output
        assert "older" not in ended.output


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of revisions, empty but for what a test writes there."""
    root = Path(__file__).parents[3]
    ini = tmp_path / "alembic.ini"
    shutil.copy(root / "alembic.ini", ini)
    shutil.copytree(root / "migrations", tmp_path / "migrations")
    versions = tmp_path / "migrations" / "versions"
    shutil.rmtree(versions, ignore_errors=True)
    versions.mkdir()
    for module in ("app.core.migrations", "app.checks.database"):
        monkeypatch.setattr(f"{module}.ALEMBIC_INI", ini)
    return versions


def write_revision(folder: Path, name: str, before: str | None = None, sql: str = "") -> None:
    head = f"from alembic import op\nrevision, down_revision = {name!r}, {before!r}\n"
    body = f"def upgrade():\n    op.execute({sql or 'SELECT 1'!r})\n"
    (folder / f"{name}.py").write_text(head + body)


@pytest.mark.usefixtures("empty")
def test_two_newest_revisions_are_explained_and_both_can_be_applied(
    versions: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("one", "two"):
        write_revision(versions, name)

    for command in (("migrate",), ("migrate", "--check"), ("check",)):
        ended = run(capsys, *command)

        assert ended.code == 1
        assert "There are 2 newest revisions: one, two. Join" in ended.output + ended.errors
    assert run(capsys, "migrate", "heads").output == "The schema is at one, two.\n"


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("revision", "before", "sql", "reason"),
    [
        ("head", "gone", "", "do not fit together: Revision gone referenced from"),
        ("head", None, "SELECT 1/0", "to head failed: division by zero. Its changes"),
        ("other", None, "", "to other failed: Can't locate revision identified by 'other'."),
        ("+5", None, "", "to +5 failed: "),
    ],
)
def test_a_migration_that_cannot_be_is_explained(
    versions: Path,
    capsys: pytest.CaptureFixture[str],
    revision: str,
    before: str | None,
    sql: str,
    reason: str,
) -> None:
    write_revision(versions, "one", before, sql)

    ended = run(capsys, "migrate", revision)

    assert ended.code == 1
    assert reason in ended.errors


@pytest.mark.usefixtures("environment")
def test_migrating_down_without_saying_where_to_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = run(capsys, "migrate", "--down")

    assert ended.code == 2
    assert "--down needs a revision" in ended.errors


@pytest.mark.usefixtures("environment")
def test_init_takes_the_name_of_the_database_and_refuses_one_that_cannot_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(Path(__file__).parents[3] / ".env.example", ".env.example")

    refused = run(capsys, "init", "--db-name", "no good")
    taken = run(capsys, "init", "--db-name", "shop_dev")

    assert refused.code == 1
    assert "'no good' will not do as DB_NAME" in refused.errors
    assert taken.code == 0, taken
    assert dotenv_values(".env.development")["DB_NAME"] == "shop_dev"

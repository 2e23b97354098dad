"""Setting up a fresh clone."""

import re
import shutil
from pathlib import Path
from secrets import token_hex

import pytest
from dotenv import dotenv_values

from app.project_files import SetupError, write_project_files

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What setting up looks at of a fresh clone."""
    folder = tmp_path / "clone"
    (folder / "scripts").mkdir(parents=True)
    for name in (".env.example", "pyproject.toml", "scripts/init_project.py"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Return the text of each file in `folder` by its name."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_only_the_name_changes_in_the_project_file(clone: Path) -> None:
    before = (clone / "pyproject.toml").read_text().splitlines()

    slug = f"the-shop-{token_hex(4)}"  # not the name that it has
    write_project_files(clone, {"PROJECT_NAME": slug.replace("-", " ")}, force=False)

    after = (clone / "pyproject.toml").read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [f'name = "{slug}"', f'{slug} = "app.cli:main"']


def test_only_the_lines_asked_for_change_in_the_environment_file(clone: Path) -> None:
    name = r"back\slash # ${HOME}"
    write_project_files(clone, {"PROJECT_NAME": name}, force=False)

    before = (clone / ".env.example").read_text().splitlines()
    after = (clone / ".env.development").read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert {line.partition("=")[0] for line in changed} == {"PROJECT_NAME", "SECRET_KEY"}
    assert dotenv_values(clone / ".env.development")["PROJECT_NAME"] == name


def test_each_key_is_another(clone: Path) -> None:
    keys = set()
    for _ in range(2):
        write_project_files(clone, {}, force=True)
        keys.add(dotenv_values(clone / ".env.development")["SECRET_KEY"])

    assert len(keys) == 2


def test_a_file_that_is_there_stays_unless_forced(clone: Path) -> None:
    (clone / ".env.development").write_text("MINE=1\n")
    before = contents(clone)

    with pytest.raises(SetupError, match="--force"):
        write_project_files(clone, {"PROJECT_NAME": "The Shop"}, force=False)
    assert contents(clone) == before

    write_project_files(clone, {"PROJECT_NAME": "The Shop"}, force=True)
    assert "MINE" not in (clone / ".env.development").read_text()


def test_a_name_without_latin_letters_is_kept_where_people_read_it_only(clone: Path) -> None:
    before = (clone / "pyproject.toml").read_text()

    done = write_project_files(clone, {"PROJECT_NAME": "商店"}, force=False)

    assert dotenv_values(clone / ".env.development")["PROJECT_NAME"] == "商店"
    assert (clone / "pyproject.toml").read_text() == before
    assert any("no Latin letters" in line for line in done)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        (".env.example", r"(?m)^.*SECRET_KEY=.*$"),
        ("pyproject.toml", r"(?m)^name = .*$"),
    ],
)
def test_a_file_without_the_line_to_change_is_named_and_nothing_is_written(
    clone: Path,
    file: str,
    pattern: str,
) -> None:
    path = clone / file
    path.write_text(re.sub(pattern, "", path.read_text(), count=1))
    before = contents(clone)

    with pytest.raises(SetupError, match=re.escape(file)):
        write_project_files(clone, {"PROJECT_NAME": "The Shop"}, force=False)

    assert contents(clone) == before


def test_where_a_file_cannot_be_written_none_is(clone: Path) -> None:
    (clone / ".env.development").mkdir()
    before = contents(clone)

    with pytest.raises(SetupError, match="cannot be written"):
        write_project_files(clone, {"PROJECT_NAME": "The Shop"}, force=True)

    assert contents(clone) == before
    assert not list(clone.glob(".setup-*"))

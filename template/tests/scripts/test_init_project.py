"""Setting up a fresh clone."""

import runpy
import shutil
import sys
import tomllib
from inspect import signature
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.cli import init_project
from app.core.settings.core import MINIMUM_SECRET_LENGTH
from app.project_files import SetupError, write_project_files

PROJECT = Path(__file__).parents[2]


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


def test_the_script_writes_the_names_and_a_random_key_wherever_it_is_called_from(
    clone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["init_project.py", "--project-name", "Zoë's Shop"])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(clone / "scripts" / "init_project.py"), run_name="__main__")

    written = capsys.readouterr()
    assert (ended.value.code or 0, written.err) == (0, "")
    assert "uv run dev" in written.out
    values = dotenv_values(clone / ".env.development")
    assert values["PROJECT_NAME"] == "Zoë's Shop"
    assert len(values["SECRET_KEY"] or "") >= MINIMUM_SECRET_LENGTH
    project = tomllib.loads((clone / "pyproject.toml").read_text())["project"]
    assert project["name"] == "zoe-s-shop"
    assert project["scripts"]["zoe-s-shop"] == "app.cli:main"


def test_the_function_takes_each_name_and_never_replaces_a_file(
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(clone)
    names = {name: f"The-{name}" for name in signature(init_project).parameters}
    script = runpy.run_path(str(clone / "scripts" / "init_project.py"))

    assert script["init_project"] is init_project
    init_project(**names)

    assert set(names.values()) <= set(dotenv_values(".env.development").values())
    with pytest.raises(SetupError, match="already exists"):
        init_project(**names)


@pytest.mark.parametrize("name", ["", " ", "a\nSECRET_KEY=known", "x" * 61])
def test_a_bad_name_is_refused_and_nothing_is_written(clone: Path, name: str) -> None:
    before = contents(clone)

    with pytest.raises(SetupError, match="will not do as PROJECT_NAME"):
        write_project_files(clone, {"PROJECT_NAME": name}, force=True)

    assert contents(clone) == before

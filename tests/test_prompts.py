"""The questions as a person meets them, on a terminal."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from extensions.commands.__main__ import INTERRUPTED
from tests.rendering import ROOT

pytestmark = pytest.mark.render

ENTER = "\r"
DOWN = "\x1b[B"
CLEAR = "\x15"  # Ctrl-U empties the line


@pytest.fixture
def terminal(template: Path, tmp_path: Path) -> Iterator["pexpect.spawn[str]"]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "copier", "copy", str(template), str(tmp_path / "service")],
        encoding="utf-8",
        dimensions=(50, 200),
        timeout=30,
    )
    yield child
    child.close(force=True)


def recorded(folder: Path) -> dict[str, object]:
    answers: dict[str, object] = yaml.safe_load(
        (folder / "service/.copier-answers.yml").read_text()
    )
    return answers


def identity(terminal: "pexpect.spawn[str]", name: str) -> None:
    terminal.expect("What is the service called")
    terminal.send(CLEAR + name + ENTER)
    terminal.expect("Its short name")
    terminal.send(ENTER)
    terminal.expect("What is it for")
    terminal.send(ENTER)
    terminal.expect("Who writes it")
    terminal.send(ENTER)
    terminal.expect("At which e-mail address")
    terminal.send(ENTER)
    terminal.expect("Under which license")
    terminal.send(ENTER)
    terminal.expect("lowest Python version")
    terminal.send(ENTER)


def test_a_preset_spares_the_questions_about_the_parts(
    terminal: "pexpect.spawn[str]",
    tmp_path: Path,
) -> None:
    terminal.expect("Which service do you want")
    terminal.send(DOWN + ENTER)
    identity(terminal, "Weather")
    terminal.expect("Weather is in")
    terminal.expect(pexpect.EOF)
    answers = recorded(tmp_path)
    assert answers["preset"] == "minimal"
    assert answers["project_slug"] == "weather"
    assert answers["database"] == "none"


def test_custom_asks_about_each_part(terminal: "pexpect.spawn[str]", tmp_path: Path) -> None:
    terminal.expect("Which service do you want")
    terminal.send(DOWN * 3 + ENTER)
    identity(terminal, "Weather")
    for question in ("Which database", "background tasks", "carries events"):
        terminal.expect(question)
        terminal.send(ENTER)
    terminal.expect("Where are files stored")
    terminal.send(DOWN + ENTER)
    terminal.expect("prove who they are")
    terminal.send(DOWN + ENTER)
    terminal.expect("seen of it from outside")
    terminal.send(ENTER)
    terminal.expect("Add the example feature")
    terminal.send(DOWN + ENTER)
    terminal.expect("Dockerfile")
    terminal.send(ENTER)
    terminal.expect("Where does CI run")
    terminal.send(ENTER)
    terminal.expect("Weather is in")
    terminal.expect(pexpect.EOF)
    answers = recorded(tmp_path)
    assert answers["storage"] == "none"
    assert answers["auth"] == "jwt"
    assert answers["example_module"] is False


def test_a_wrong_answer_is_explained_and_asked_for_again(
    terminal: "pexpect.spawn[str]",
    tmp_path: Path,
) -> None:
    terminal.expect("Which service do you want")
    terminal.send(DOWN + ENTER)
    terminal.expect("What is the service called")
    terminal.send(CLEAR + ENTER)
    terminal.expect("Type a name of 1 to 60 characters")
    terminal.send("Weather" + ENTER)
    terminal.expect("Its short name")
    terminal.send(CLEAR + "fastapi" + ENTER)
    terminal.expect("fastapi is the name of a dependency or a command")
    terminal.send(CLEAR + "Wrong_Name" + ENTER)
    terminal.expect("Type 3 to 40 lowercase letters")
    terminal.send(CLEAR + "weather" + ENTER)
    terminal.expect("What is it for")
    terminal.send(ENTER)
    terminal.expect("Who writes it")
    terminal.send(ENTER)
    terminal.expect("At which e-mail address")
    terminal.send("nowhere" + ENTER)
    terminal.expect("This is not an e-mail address")
    terminal.send(CLEAR + "me@example.com" + ENTER)
    terminal.expect("Under which license")
    terminal.send(ENTER)
    terminal.expect("lowest Python version")
    terminal.send(ENTER)
    terminal.expect(pexpect.EOF)
    answers = recorded(tmp_path)
    assert (answers["project_slug"], answers["author_email"]) == ("weather", "me@example.com")


def test_new_asks_the_same_and_says_that_giving_up_wrote_nothing(
    template: Path, tmp_path: Path
) -> None:
    arguments = ["new", str(tmp_path / "service"), "--template", str(template)]
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "extensions.commands", *arguments],
        cwd=str(ROOT),
        encoding="utf-8",
        dimensions=(50, 200),
        timeout=30,
    )
    terminal.expect("Which service do you want")
    terminal.send(DOWN + ENTER)
    terminal.expect("What is the service called")
    terminal.sendintr()
    terminal.expect("Interrupted; nothing was changed.")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == INTERRUPTED
    assert list(tmp_path.iterdir()) == []


def test_giving_up_writes_nothing(terminal: "pexpect.spawn[str]", tmp_path: Path) -> None:
    terminal.expect("What is the service called|Which service do you want")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    assert list(tmp_path.iterdir()) == []

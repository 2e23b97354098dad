"""The command line as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.commands.__main__ import FINE, WRONG_USE, main
from extensions.commands.given_answers import given
from extensions.proof.combinations import array, combinations
from extensions.proof.combinations import main as list_them
from extensions.proof.rendering import files
from tests.rendering import ROOT, differing, run_copier


@pytest.mark.parametrize("strength", [None, 2])
def test_combinations_are_listed_as_answers_that_can_be_given(
    strength: int | None, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    list_them(["--strength", str(strength)] if strength else [])
    said = capsys.readouterr().out.splitlines()
    wanted = array(template, strength) if strength else list(combinations(template))
    assert len(said) == len(wanted)
    pairs = said[-1].split(" ")
    assert given(template, ["preset=custom", *pairs]) == {"preset": "custom", **wanted[-1]}


@pytest.mark.parametrize("command", ["new", "plan-update", "explain", "diff"])
def test_each_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == FINE
    assert capsys.readouterr().out.startswith(f"usage: fastapi-service-template {command}")


def test_new_writes_what_copier_writes(repository: Path, tmp_path: Path) -> None:
    answers = ("-d", "preset=minimal", "-d", "docker=no")
    made = main(
        ["new", str(tmp_path / "ours"), "--defaults", "--template", str(repository), *answers]
    )
    assert made == FINE
    run_copier("copy", "--defaults", *answers, repository, "theirs", folder=tmp_path)
    written = files(tmp_path / "ours")
    assert "app/main.py" in written
    assert differing(written, files(tmp_path / "theirs")) <= {".env.development"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--defaults", "-d", "database=oracle"],
            "database cannot be 'oracle'; choose postgresql or none.",
        ),
        (["-d", "databse=none"], "There is no question 'databse'; the nearest is database."),
        (
            ["-d", "preset=minimal", "-d", "project_name=A", "-d", "project_slug=dev"],
            "project_slug: dev is the name of a dependency or a command; "
            "type another, such as dev-service.",
        ),
        (["--defaults", "-d", "author_email=me"], "author_email: This is not an e-mail address; "),
        (["--defaults", "--vcs-ref", "v77"], "v77 of "),
        (["--defaults", "--template", "/"], "/ is no template; "),
    ],
)
def test_new_refuses_in_a_sentence_and_writes_nothing(
    arguments: list[str], said: str, repository: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "extensions.commands", "new", str(tmp_path / "service")]
    done = subprocess.run(
        [*command, "--template", str(repository), *arguments],
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == WRONG_USE
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("extensions.commands", ["explain", "auth=jwt"]), ("extensions.proof.combinations", [])],
)
def test_a_command_whose_reader_has_gone_ends_quietly(module: str, arguments: list[str]) -> None:
    command = [sys.executable, "-m", module, *arguments]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (FINE, b"")

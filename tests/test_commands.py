"""The command line as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.commands.__main__ import FINE, main
from extensions.commands.given_answers import given
from extensions.proof.combinations import array, combinations
from extensions.proof.combinations import main as list_them
from tests.rendering import ROOT


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


@pytest.mark.parametrize("command", ["plan-update", "explain", "diff"])
def test_each_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == FINE
    assert capsys.readouterr().out.startswith(f"usage: fastapi-service-template {command}")


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

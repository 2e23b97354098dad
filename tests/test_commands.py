"""The command line as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.__main__ import FINE, main
from extensions.catalogue import array, combinations
from extensions.given_answers import given
from tests.rendering import ROOT


@pytest.mark.parametrize("strength", [None, 2])
def test_combinations_are_listed_as_answers_that_can_be_given(
    strength: int | None, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--strength", str(strength)] if strength else []
    assert main(["combinations", *arguments]) == FINE
    said = capsys.readouterr().out.splitlines()
    wanted = array(template, strength) if strength else list(combinations(template))
    assert len(said) == len(wanted)
    pairs = said[-1].split(" ")
    assert given(template, ["preset=custom", *pairs]) == {"preset": "custom", **wanted[-1]}


@pytest.mark.parametrize("command", ["plan-update", "explain", "diff", "combinations"])
def test_each_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == FINE
    assert capsys.readouterr().out.startswith(f"usage: fastapi-service-template {command}")


def test_a_command_whose_reader_has_gone_ends_quietly() -> None:
    command = [sys.executable, "-m", "extensions", "combinations"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (FINE, b"")

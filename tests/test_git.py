"""How git is run for a person, whatever their machine is set to."""

from pathlib import Path

import pytest

from extensions.commands.git import git


def test_what_it_says_is_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")  # where "fatal: " is "Schwerwiegend: "
    variables = git(tmp_path, "-c", "alias.variables=!env", "variables").decode().splitlines()
    assert "LC_ALL=C" in variables

"""Runs the service's command line in this process."""

from dataclasses import dataclass

import pytest

from app.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: its exit code, and what it wrote to stdout and stderr."""

    code: int
    output: str
    errors: str


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ended:
    """Run the command line with `arguments`."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    written = capsys.readouterr()
    code = ended.value.code or 0
    assert isinstance(code, int), code
    return Ended(code, written.out, written.err)

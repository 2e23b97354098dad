"""Each script against the tests' servers, called from somewhere else than the project's folder."""

import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
LOOKING = sorted(path.name for path in SCRIPTS.glob("*.py") if path.name != "init_project.py")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("script", LOOKING)
def test_a_script_finds_what_it_looks_for_wherever_it_is_called_from(
    script: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [script])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")

    written = capsys.readouterr()
    assert (ended.value.code or 0, written.err) == (0, "")
    assert written.out

"""How long it takes to scaffold a service by Copier's own command."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from extensions.commands.git import git
from extensions.proof.rendering import files
from tests.bench.measure.rows import Row, Target

ROOT = Path(__file__).parent.parent.parent
NOBODY = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the row of `copier copy` for the full service, beside as many empty files."""
    service, empty = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _copy(ROOT, folder / "service", "--data=preset=full")  # which compiles
        template = _empty(folder / "service", folder / "template")
        _copy(template, folder / "empty")
        for number in range(rounds):
            service.append(_copy(ROOT, folder / f"service{number}", "--data=preset=full"))
            empty.append(_copy(template, folder / f"empty{number}"))
    title = "`copier copy` of the full service"
    row = Row("copy", title, "s", service, empty, Target(at_most=2), "as many empty files")
    return [row.as_json()]


def _empty(service: Path, template: Path) -> Path:
    """Return a template of as many files with the same names, of which none has anything in it."""
    for name in files(service):
        path = template / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (template / "copier.yml").write_text("_subdirectory: template\n")
    git(template, "init", "--quiet")
    git(template, "add", "--all", "--force")
    git(template, *NOBODY, "commit", "--quiet", "--message", "Empty")
    return template


def _copy(template: Path, destination: Path, *options: str) -> float:
    """Return how many seconds it takes."""
    command = (sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref=HEAD")
    begin = time.perf_counter()
    subprocess.run([*command, *options, str(template), str(destination)], check=True)
    return time.perf_counter() - begin

"""Imports go one way: what is below knows nothing of what stands on it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

APP: Final = Path(__file__).parents[1] / "app"
# From the ground up; those in one layer do not import each other. On top is what puts all of them
# together: the files at the root of app/, and the commands.
LAYERS: Final = (
    {"core"},
    {"common"},
    {"observability", "checks"},
    {"events"},
    {"features"},
)
ROOT: Final = "commands"


def layer(folder: str) -> int:
    for number, folders in enumerate(LAYERS):
        if folder in folders:
            return number
    return len(LAYERS)


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def upward(path: Path, source: str) -> list[str]:
    """Return what a module of `path` below app/ imports from beside or above its layer."""
    own = path.parts[0]
    return [
        f"{path.as_posix()} imports {name}"
        for name in imports(source)
        if name.startswith("app.") and (other := name.split(".")[1]) != own
        if layer(other) >= layer(own)
    ]


def test_no_module_imports_from_a_layer_above() -> None:
    paths = [path.relative_to(APP) for path in APP.glob("*/**/*.py")]
    inside = [path for path in paths if path.parts[0] != ROOT]
    assert {path.parts[0] for path in inside} <= set().union(*LAYERS), "put it into a layer"
    sources = {path: (APP / path).read_text(encoding="utf-8") for path in inside}
    assert [found for path, source in sources.items() for found in upward(path, source)] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/config.py", "from app.common import health"),
        ("common/health.py", "import app.checks.report"),
        ("checks/report.py", "from app.resources import RESOURCES"),
    ],
)
def test_an_import_that_goes_up_is_seen(path: str, source: str) -> None:
    assert len(upward(Path(path), source)) == 1

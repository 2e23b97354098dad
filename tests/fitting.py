"""Which tests of tests/machinery a service can run: those of parts that it has.

They look at what its owner does not change, so they stand here and not in the service. A file fits
where every module of the service is there that it imports, with the names that it takes from it.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.rendering import ROOT

MACHINERY = ROOT / "tests/machinery"
INSIDE = "tests/machinery"
OF_A_SERVICE = ("app", "devstack", "tests")


def files() -> list[Path]:
    """Return all files of tests/machinery, as paths below it."""
    return sorted(path.relative_to(MACHINERY) for path in MACHINERY.rglob("*.py"))


def needs(source: str) -> Iterator[tuple[str, str]]:
    """Yield each module of the service that `source` needs, and a name in it or nothing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NEEDS":
            yield ast.literal_eval(node.value), ""


def has(folder: Path, module: str, name: str) -> bool:
    """Say whether the service in `folder` has the module, and the name in it."""
    if module.split(".")[0] not in OF_A_SERVICE:
        return True
    if module.startswith("tests.machinery."):
        path = Path(*module.split(".")[2:]).with_suffix(".py")
        return (MACHINERY / path).is_file() and fits(folder, path)
    path = folder.joinpath(*module.split("."))
    if path.is_dir() and (not name or (path / name).is_dir() or (path / f"{name}.py").is_file()):
        return True
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.is_file() and bool(re.search(rf"\b{name}\b", file.read_text()))


def fits(folder: Path, path: Path) -> bool:
    """Say whether the service in `folder` can run the file at `path` below tests/machinery."""
    source = (MACHINERY / path).read_text()
    return all(has(folder, module, name) for module, name in needs(source))


def copy_what_fits(folder: Path) -> list[Path]:
    """Copy into the service in `folder` what it can run, and return the paths."""
    fitting = [path for path in files() if fits(folder, path)]
    for path in fitting:
        target = folder / INSIDE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(MACHINERY / path, target)
    return fitting

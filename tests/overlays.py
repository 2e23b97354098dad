"""The overlays of template/: the folders whose names render to a dot, or to nothing."""

import re
from pathlib import Path

OVERLAY = re.compile(r"\{\{ (\w+) \}\}")


def overlays(template: Path) -> dict[str, list[str]]:
    """Return, by the computed value that names it, the paths that each overlay brings."""
    found: dict[str, list[str]] = {}
    for folder in sorted((template / "template").iterdir()):
        name = OVERLAY.fullmatch(folder.name)
        if name and folder.is_dir():
            found[name[1]] = sorted(
                path.relative_to(folder).as_posix().removesuffix(".jinja")
                for path in folder.rglob("*")
                if path.is_file()
            )
    return found

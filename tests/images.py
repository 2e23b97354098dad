"""What a service's image has, put together without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path


def copied(dockerfile: str) -> list[str]:
    """Return the names that the image takes from the project's folder."""
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE)
    return [name for line in lines for name in line.split()]


def install(service: Path, folder: Path) -> None:
    """Put into `folder` what the image of `service` has in its own, as it is installed there."""
    folder.mkdir(exist_ok=True)
    for name in copied((service / "Dockerfile").read_text()):
        source = service / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    subprocess.run(
        ["uv", "sync", "--quiet", "--locked", "--no-dev", "--no-install-project"],
        cwd=folder,
        check=True,
    )

"""The releases of the template that a clone has on record.

A release is a git tag `vX.Y.Z`. A shallow clone has no tags, so what Copier reads of each release
is recorded in tests/releases as well: updates from every release can be tried in any clone.
"""

import tarfile
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

ARCHIVES = Path("tests/releases")


@dataclass(frozen=True, slots=True)
class Release:
    """A published version of the template.

    Attributes:
        version: such as 0.1.0.
        archive: a tar.xz of what Copier reads.
    """

    version: str
    archive: Path

    @property
    def tag(self) -> str:
        """The name under which `copier update` finds it."""
        return f"v{self.version}"


def recorded(repository: Path) -> tuple[Release, ...]:
    """Return every release of the template in `repository`, the oldest first."""
    found = [
        Release(archive.name.removeprefix("v").removesuffix(".tar.xz"), archive)
        for archive in (repository / ARCHIVES).glob("v*.tar.xz")
    ]
    return tuple(sorted(found, key=lambda release: Version(release.version)))


def unpack(release: Release, folder: Path) -> Path:
    """Write the template as it was at `release` into `folder`, and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(release.archive) as archive:
        archive.extractall(folder, filter="data")
    return folder

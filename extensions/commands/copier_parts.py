"""The private parts of Copier that we use: Copier may change them in any release.

tests/test_copier_parts.py fails when it did; pyproject.toml allows only releases that were tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from copier._settings import SettingsModel
from copier._user_data import AnswersMap, Question

__all__ = [
    "AnswersMap",
    "Collector",
    "Question",
    "Rendered",
    "SandboxedEnvironment",
    "SettingsModel",
    "Worker",
    "worker_of_folder",
]


def worker_of_folder(template: Path, destination: Path, data: Mapping[str, Any]) -> Worker:
    """Return Copier for the folder `template` as it stands, without a person's own defaults.

    Of a repository, Copier by itself takes the latest release.
    """
    worker = Worker(
        src_path=str(template),
        dst_path=destination,
        data=dict(data),
        settings=SettingsModel(),
        defaults=True,
        quiet=True,
    )
    worker.template.vcs = None
    return worker


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a service would consist of: the contents of its files, and its folders, by path."""

    files: dict[str, bytes]
    folders: set[str]


class Collector(Worker):
    """Copier, but for the last step: it keeps what it would write."""

    @cached_property
    def collected(self) -> Rendered:
        """Return what it has kept so far."""
        return Rendered({}, set())

    def _render_folder(self, dst_relpath: Path) -> None:
        self.collected.folders.add(dst_relpath.as_posix())

    def _render_allowed(
        self,
        dst_relpath: Path,
        is_dir: bool = False,
        is_symlink: bool = False,
        expected_contents: bytes | Path = b"",
        expected_mode: int | None = None,
    ) -> bool:
        if not isinstance(expected_contents, bytes):
            raise TypeError(f"{dst_relpath} is a link; the template has none.")
        self.collected.files[dst_relpath.as_posix()] = expected_contents
        return False

"""The private parts of Copier that we use: Copier may change them in any release.

tests/test_copier_parts.py fails when it did; pyproject.toml allows only releases that were tried.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from copier._settings import SettingsModel
from copier._types import AnyByStrMutableMapping, Phase
from copier._user_data import AnswersMap, Question

PLAIN = re.compile(r"[\w.-]+")  # a name that is no template, whatever marks templates have

__all__ = [
    "AnswersMap",
    "Collector",
    "Question",
    "QuickWorker",
    "Rendered",
    "SandboxedEnvironment",
    "SettingsModel",
    "Worker",
    "worker_of_folder",
]


class QuickWorker(Worker):
    """Copier, but it renders no name without a template in it, and finds out its context once."""

    @cached_property
    def _context(self) -> AnyByStrMutableMapping:
        return super()._render_context()

    def _render_context(self) -> AnyByStrMutableMapping:
        return self._context if Phase.current() is Phase.RENDER else super()._render_context()

    @property
    def answers_relpath(self) -> Path:
        path = Path(self.answers_file or self.template.answers_relpath)
        if PLAIN.fullmatch(str(path)):
            return path
        found = super().answers_relpath
        vars(self).pop("_context", None)  # Copier writes into it to find that
        return found

    def _render_string(self, string: str, *arguments: Any, **options: Any) -> str:
        if PLAIN.fullmatch(string):
            return string
        return super()._render_string(string, *arguments, **options)

    def update(self) -> str:
        """Update, and return what the template says then."""
        self.run_update()
        return self._render_string(self.template.message_after_update)


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


class Collector(QuickWorker):
    """Copier, but for the last step: it keeps what it would write."""

    @cached_property
    def collected(self) -> Rendered:
        """Return what it has kept so far."""
        return Rendered({}, set())

    def _render_folder(self, dst_relpath: Path) -> None:
        if dst_relpath.parts:  # an overlay's is that of the service
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

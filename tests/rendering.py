"""Renders services as Copier does for a person, never with trust."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import copier
import jinja2
import pytest
from copier._main import Worker

from extensions.catalogue import Answer, checked, questions

ROOT = Path(__file__).parents[1]


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` and return what it printed."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def copy(template: Path, destination: Path, answers: Mapping[str, Answer] | None = None) -> Path:
    """Render a service into `destination` with `answers` and otherwise the defaults."""
    data = checked(template, answers or {})
    copier.run_copy(
        str(template), destination, data=data, defaults=True, overwrite=True, quiet=True
    )
    return destination


def run_copier(*arguments: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command as a person does, in `folder`, without a terminal."""
    command = ["copier", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def everything_off(template: Path) -> dict[str, Answer]:
    """Return the answers that leave out all that can be left out."""
    off: dict[str, Answer] = {"preset": "custom"}
    for question in questions(template):
        for nothing in ("none", False):
            if nothing in question.choices:
                off[question.name] = nothing
    return off


def files(folder: Path) -> dict[str, bytes]:
    """Return the contents of every file below `folder`, but for git's own, by relative path."""
    contents = {}
    for parent, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in names:
            path = Path(parent, name)
            contents[path.relative_to(folder).as_posix()] = path.read_bytes()
    return contents


@contextmanager
def compiled_once() -> Iterator[None]:
    """Compile each template once while many services are rendered: that is most of the time.

    Also leaves out what Copier does anew for every file: a git process, and the answers' path.
    """
    compile_template = jinja2.Environment.compile
    compiled: dict[tuple[Any, ...], CodeType | str] = {}

    def compile_once(
        self: jinja2.Environment,
        source: Any,
        name: str | None = None,
        *arguments: Any,
        **options: Any,
    ) -> CodeType | str:
        key = (source, name, arguments, tuple(options.items()))
        if key not in compiled:
            compiled[key] = compile_template(self, source, name, *arguments, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        patch.setattr(Worker, "_sync_git_index_executable_bit", lambda *_: None)
        patch.setattr(Worker, "answers_relpath", Path(".copier-answers.yml"))
        yield

"""Renders services in this process, as Copier's own command does for a person: never with trust."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType
from typing import Any
from unittest.mock import patch

import jinja2
from copier._main import Worker

from extensions.catalogue import Answer, checked


def render(
    template: Path | str,
    destination: Path,
    answers: Mapping[str, Answer] | None = None,
    *,
    ref: str | None = None,
) -> Path:
    """Render a service into `destination` with `answers` and otherwise the defaults.

    `template` is a folder, or any address that Copier knows; `ref` is a tag or a commit of it.

    Raises:
        UnknownAnswerError: that version of the template does not ask this, or does not offer it.
    """
    with Worker(
        src_path=str(template),
        dst_path=destination,
        vcs_ref=ref,
        data=dict(answers or {}),
        defaults=True,
        overwrite=True,
        quiet=True,
    ) as worker:
        checked(worker.template.local_abspath, answers or {})
        worker.run_copy()
    return destination


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
        # Two releases of a template may differ in what their lexers do with blanks.
        key = (self.lexer, source, name, arguments, tuple(options.items()))
        if key not in compiled:
            compiled[key] = compile_template(self, source, name, *arguments, **options)
        return compiled[key]

    def answers_path(worker: Worker) -> Path:
        return worker.answers_file or worker.template.answers_relpath

    with ExitStack() as patches:
        for target, name, replacement in (
            (jinja2.Environment, "compile", compile_once),
            (Worker, "_sync_git_index_executable_bit", lambda *_: None),
            (Worker, "answers_relpath", property(answers_path)),
        ):
            patches.enter_context(patch.object(target, name, replacement))
        yield

"""Renders services in this process, into folders, and much faster than Copier does by itself."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import copier
import jinja2
import yaml
from copier._template import load_template_config
from copier._types import Phase

from extensions.commands.catalogue import Answer, checked
from extensions.commands.copier_parts import Worker

PLAIN = re.compile(r"[\w.-]+")  # a name that is no template, whatever marks templates have


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
    """Do once what Copier does anew for each service, file and folder: nearly all of the time.

    Templates are compiled once, copier.yml is read once, the answers are put together once for a
    service, names without a template in them are taken as they are, and no git process looks after
    the executable bits of each file, for a new folder has no index.
    """
    replacements: tuple[tuple[object, str, object], ...] = (
        (copier._main, "is_git_available", lambda: False),
        (copier._template, "load_template_config", _known_by_text(load_template_config)),
        (jinja2.Environment, "compile", _known_by_source(jinja2.Environment.compile)),
        (Worker, "_render_context", _known_while_rendering(Worker._render_context)),
        (Worker, "_render_string", _only_templates(Worker._render_string)),
        (Worker, "answers_relpath", property(_answers_path)),
        (yaml, "SafeLoader", getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
    )
    with ExitStack() as patches:
        for target, name, replacement in replacements:
            patches.enter_context(patch.object(target, name, replacement))
        yield


def _known_by_text(load: Callable[..., Any]) -> Callable[..., Any]:
    loaded: dict[tuple[Path, bytes], Any] = {}

    def load_once(path: Path, *arguments: Any, **options: Any) -> Any:
        key = (path, path.read_bytes())
        if key not in loaded:
            loaded[key] = load(path, *arguments, **options)
        return loaded[key]

    return load_once


def _known_by_source(compile_template: Callable[..., Any]) -> Callable[..., Any]:
    compiled: dict[tuple[Any, ...], Any] = {}

    def compile_once(
        environment: jinja2.Environment, source: Any, *arguments: Any, **options: Any
    ) -> Any:
        # Two releases of a template may differ in what their lexers do with blanks.
        key = (environment.lexer, source, arguments, tuple(options.items()))
        if key not in compiled:
            compiled[key] = compile_template(environment, source, *arguments, **options)
        return compiled[key]

    return compile_once


def _known_while_rendering(make: Callable[[Worker], Any]) -> Callable[[Worker], Any]:
    def make_once(worker: Worker) -> Any:
        if Phase.current() is not Phase.RENDER:
            return make(worker)
        if "context" not in vars(worker):
            vars(worker)["context"] = make(worker)
        return vars(worker)["context"]

    return make_once


def _only_templates(render_string: Callable[..., str]) -> Callable[..., str]:
    def render_template(worker: Worker, text: str, *arguments: Any, **options: Any) -> str:
        if PLAIN.fullmatch(text):
            return text
        return render_string(worker, text, *arguments, **options)

    return render_template


def _answers_path(worker: Worker) -> Path:
    return worker.answers_file or worker.template.answers_relpath

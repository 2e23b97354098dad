"""Tries `copier update` on a copy of a service, which itself stays as it is."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml
from plumbum import ProcessExecutionError, local

from extensions.commands.copier_parts import QuickWorker, SettingsModel, Worker
from extensions.commands.git import OF_ONE_REPOSITORY, GitError, configured, git, listed
from extensions.commands.given_answers import UsageError, given, sentence, still_valid
from extensions.commands.rendering import rendered
from extensions.commands.snapshot import Snapshot, copy_missing, snapshot
from extensions.commands.source import sentences, silence

ANSWERS = ".copier-answers.yml"
RUNS_CODE = (
    "This version of the template runs code while it updates, which a plan never allows; "
    "choose another with --vcs-ref."
)
NO_COMMIT = "{} has no commit; run `git init` there, and commit all of it."
OF_THE_CLONE = ("core.autocrlf", "core.eol", "core.fileMode", "core.symlinks")
"""Settings of git that say how files look in one clone, and have to be so in its copy."""
EXPECTED_BY_COPIER = {
    "apply.whitespace": "nowarn",
    "core.quotePath": "true",
    "status.showUntrackedFiles": "normal",
}
"""Settings of git with which alone an update finds and keeps every edit."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an update did to the copy of a service.

    Attributes:
        copy: the copy; it is gone when the rehearsal is over.
        head: the commit of the service that was copied.
        before: what git has of the service, and what it ignores of the template's files.
        after: the same of the copy, updated.
        written: what the recorded version of the template writes with the recorded answers.
        renewed: what the new version writes with the new answers.
        linked: the paths of what git ignores and is a link in the service, a file in the copy.
        unmerged: the paths in which both sides changed the same.
        recorded: the answers file before and after.
        message: what the template says to do next.
        changelog: the new version's CHANGELOG.md, or nothing.
    """

    copy: Path
    head: str
    before: Snapshot
    after: Snapshot
    written: dict[str, bytes]
    renewed: dict[str, bytes]
    linked: frozenset[str]
    unmerged: frozenset[str]
    recorded: tuple[dict[str, Any], dict[str, Any]]
    message: str
    changelog: str


@contextlib.contextmanager
def rehearsed(service: Path, pairs: Sequence[str], ref: str | None) -> Iterator[Rehearsal]:
    """Update a copy of `service` with the answers `pairs`, each `question=answer`.

    Args:
        ref: a tag, branch or commit of the template; the newest release by default.

    Raises:
        UsageError: this service cannot be updated like that.
    """
    top = _repository(service)
    with tempfile.TemporaryDirectory(prefix="plan-update-") as folder:
        whole = Path(folder, "service")
        _clone(top, whole)
        copy = whole / service.relative_to(top)
        # A relative _src_path begins at the service.
        with sentences(RUNS_CODE), silence(), _git_of_copier(top), contextlib.chdir(service):
            rehearsal = _updated(service, copy, pairs, ref)
        yield rehearsal


def _repository(service: Path) -> Path:
    """Return the root of the repository of `service`, which has nothing uncommitted."""
    if not service.is_dir():
        raise UsageError(f"{service} is not a folder; give the service's.")
    if not (service / ANSWERS).is_file():
        raise UsageError(f"{service} has no {ANSWERS}; give the folder of a scaffolded service.")
    try:
        top = Path(os.fsdecode(git(service, "rev-parse", "--show-toplevel")).rstrip("\n"))
    except GitError as error:
        if "not a git repository" not in str(error):
            raise UsageError(sentence(error)) from error
        raise UsageError(NO_COMMIT.format(service)) from error
    try:
        git(service, "rev-parse", "--verify", "--quiet", "HEAD")
    except GitError as error:
        raise UsageError(NO_COMMIT.format(service)) from error
    if not git(service, "ls-files", "--", ANSWERS):
        raise UsageError(f"git does not have {ANSWERS}; `git add --force` and commit it first.")
    unmerged = sorted(_unmerged(service))
    if unmerged:
        raise UsageError(f"{_some(unmerged)} unmerged; resolve the conflict and commit it first.")
    options = ("--porcelain", "--untracked-files=normal", "--no-renames", "-z")
    status = git(service, "status", *options, "--", ".")
    changed = [line[3:] for line in listed(status)]
    if changed:
        raise UsageError(f"{_some(changed)} not committed; commit or stash that first.")
    return top


def _unmerged(service: Path) -> frozenset[str]:
    """Return what is in conflict below `service`; unlike `ls-files`, `diff` writes the index."""
    stages = listed(git(service, "ls-files", "--unmerged", "-z"))
    return frozenset(line.partition("\t")[2] for line in stages)


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{', '.join(paths[:3])}{more} {'is' if len(paths) == 1 else 'are'}"


def _clone(repository: Path, folder: Path) -> None:
    """Clone without the hooks, but with what only this clone ignores."""
    settings = [f"core.hooksPath={os.devnull}"]
    for name in OF_THE_CLONE:
        with contextlib.suppress(GitError):  # it is not set
            settings.append(f"{name}={git(repository, 'config', name).decode().strip()}")
    options = [part for setting in settings for part in ("--config", setting)]
    allowed = ("-c", "protocol.file.allow=always")
    clone = ("clone", "--quiet", "--shared", "--no-reject-shallow", "--template=")
    git(repository, *allowed, *clone, *options, str(repository), str(folder))
    ignored = Path(os.fsdecode(git(repository, "rev-parse", "--git-path", "info/exclude")).strip())
    if (repository / ignored).is_file():
        (folder / ".git/info").mkdir(exist_ok=True)
        (folder / ".git/info/exclude").write_bytes((repository / ignored).read_bytes())


@contextlib.contextmanager
def _git_of_copier(repository: Path) -> Iterator[None]:
    """Have Copier's git look where Copier says, and do what Copier expects of it."""
    object_format = git(repository, "rev-parse", "--show-object-format").decode().strip()
    with local.env(
        GIT_DEFAULT_HASH=object_format, **configured(EXPECTED_BY_COPIER, dict(local.env))
    ):
        for name in OF_ONE_REPOSITORY:
            if name in local.env:
                del local.env[name]
        yield


def _updated(service: Path, copy: Path, pairs: Sequence[str], ref: str | None) -> Rehearsal:
    old_answers = _answers(copy)
    with Worker(dst_path=copy, vcs_ref=ref) as worker:
        new = _template(worker, old_answers)
        old = _recorded_template(worker, old_answers)
        data = given(new, pairs, old_answers)
        written = rendered(old, still_valid(old, old_answers)).files
        expected = rendered(new, still_valid(new, {**old_answers, **data})).files
        # Git does not have them, but Copier may replace or delete them.
        linked = copy_missing(service, copy, {*written, *expected})
        head = git(copy, "rev-parse", "HEAD").decode().strip()
        before = snapshot(copy)
        message = _update(copy, data, ref)
        # By what it has recorded: a default may differ for a service that is there already.
        new_answers = _answers(copy)
        changelog = new / "CHANGELOG.md"
        return Rehearsal(
            copy=copy,
            head=head,
            before=before,
            after=snapshot(copy),
            written=written,
            renewed=rendered(new, still_valid(new, new_answers)).files,
            linked=linked,
            unmerged=_unmerged(copy),
            recorded=(old_answers, new_answers),
            message=message,
            changelog=changelog.read_text(encoding="utf-8") if changelog.is_file() else "",
        )


def _answers(service: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load((service / ANSWERS).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(f"{ANSWERS} is no YAML; fix it, or take it from git again.") from error
    recorded: dict[str, Any] = read if isinstance(read, dict) else {}
    for key in ("_src_path", "_commit"):
        if key not in recorded:
            raise UsageError(
                f"{ANSWERS} has no {key}, without which there is no update; "
                "scaffold from a repository's address, or from a clone's whole path."
            )
    return recorded


def _template(worker: Worker, recorded: dict[str, Any]) -> Path:
    try:
        return worker.template.local_abspath
    except (ProcessExecutionError, ValueError) as error:
        wanted = f"{worker.vcs_ref} of " if worker.vcs_ref else ""
        raise UsageError(
            f"{wanted}{recorded['_src_path']} cannot be had, from which {ANSWERS} says that "
            "this service comes; look at the address, the version and the network."
        ) from error


def _recorded_template(worker: Worker, recorded: dict[str, Any]) -> Path:
    template = worker.subproject.template
    try:
        return template.local_abspath if template else Path()
    except (ProcessExecutionError, ValueError) as error:
        raise UsageError(
            f"{recorded['_src_path']} has no {recorded['_commit']}, which this service was made "
            "of; run `git fetch --tags` in that clone, with --unshallow if it is shallow."
        ) from error


def _update(copy: Path, data: dict[str, Any], ref: str | None) -> str:
    """Update `copy` as `copier update --defaults` does, and return the template's last words."""
    distrusting = SettingsModel(defaults=dict(copier.load_settings().defaults))
    with QuickWorker(
        dst_path=copy,
        data=data,
        vcs_ref=ref,
        settings=distrusting,
        defaults=True,
        overwrite=True,
    ) as worker:
        return worker.update()

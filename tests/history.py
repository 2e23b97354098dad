"""The template's releases as a git repository, made from what is recorded: no clone needs tags."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from extensions.commands.releases import recorded, unpack
from extensions.proof.releases import READ_BY_COPIER
from tests.rendering import ROOT, git

NEWEST = "v9999.0.0"  # the work tree, as if it were released now
NEXT = "v9999.1.0"  # see tests/next_release.py


def write_history(template: Path, repository: Path) -> Path:
    """Make `repository` with a commit and a tag of each release, and of `template` at last."""
    repository.mkdir()
    git(repository, "init", "--quiet")
    for release in recorded(ROOT):
        unpack(release, repository)
        _commit(repository, release.tag)
    for name in READ_BY_COPIER:
        source = template / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, repository / name)
    _commit(repository, NEWEST)
    return repository


def publish(
    repository: Path,
    changes: Mapping[str, Callable[[str], str]],
    tag: str | None = None,
) -> None:
    """Commit `changes` to files of the template, as the next release.

    Args:
        changes: by the path that a service has the file at.
    """
    for path, change in changes.items():
        edit(find(repository, path), change)
    git(repository, "commit", "--quiet", "--all", "--message", "A release")
    if tag:
        git(repository, "tag", tag)


def find(repository: Path, path: str) -> Path:
    """Return where the template has what a service has at `path`, in whichever overlay."""
    names = (path, f"{path}.jinja")
    folders = [repository / "template", *repository.glob("template/{{*}}")]
    found = [folder / name for folder in folders for name in names if (folder / name).is_file()]
    assert len(found) == 1, f"The template has {path} {len(found)} times; name another file."
    return found[0]


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Write what `change` makes of the text at `path`."""
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _commit(repository: Path, tag: str) -> None:
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(repository, "tag", tag)
    for name in ("parts", "template"):  # what the next release does not have must not stay
        shutil.rmtree(repository / name, ignore_errors=True)

"""What an update would do to a service, file by file, and above all to what a person edited."""

import os
import signal
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from extensions.commands.broken_imports import broken_imports
from extensions.commands.git import GitError, git, listed, renames, unconfigured
from extensions.commands.given_answers import UsageError
from extensions.commands.rehearsal import ANSWERS, Rehearsal
from extensions.commands.snapshot import Snapshot, carry, contents, entries

DEFINES_TABLE = b"__tablename__"


@dataclass(slots=True)
class Plan:
    """The paths of a service by what an update would do to them, each in one list of the first six.

    Attributes:
        comes: new files.
        changes: what nobody edited, and the template changed.
        merges: edited by the person, changed by the template; the edits stay.
        goes: what nobody edited, and the template no longer has.
        conflicts: both changed the same lines; the file will show both.
        lost: edited by the person, and deleted or overwritten.
        stays_deleted: deleted by the person; whether the template changed it meanwhile.
        renamed: where the template has the contents of a file now that goes or is lost.
        moved: where the person moved a file of the template, which changes it there no more.
        remains: the person's own files in folders that the template no longer has.
        imports: what the person's own modules import that is gone then, by their paths; and where
            it is instead, if the template moved it.
        tables: files that define tables of the database, and come, change or go.
    """

    comes: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    goes: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stays_deleted: dict[str, bool] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    remains: dict[str, list[str]] = field(default_factory=dict)
    imports: dict[str, dict[str, str | None]] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)


def plan(rehearsal: Rehearsal) -> Plan:
    """Sort what the rehearsal did."""
    found = Plan()
    before, after = rehearsal.before, rehearsal.after
    written, renewed = rehearsal.written, rehearsal.renewed
    for path in sorted((before.keys() | after.keys()) - {ANSWERS}):
        if before.get(path) == after.get(path) and path not in rehearsal.unmerged:
            continue
        _list(found, rehearsal, path).append(path)
    gone = {path: written[path] for path in written.keys() - renewed.keys()}
    new = {path: renewed[path] for path in renewed.keys() - written.keys()}
    affected = {*found.goes, *found.lost}
    found.renamed = {old: to for old, to in renames(gone, new).items() if old in affected}

    deleted = {path: text for path, text in written.items() if path not in before}
    own = {path: text for path, text in contents(before).items() if path not in written}
    moved = renames(deleted, own) if deleted and own else {}
    found.moved = {
        old: to for old, to in moved.items() if renewed.get(old) not in (None, written[old])
    }
    found.stays_deleted = {
        path: renewed[path] != written[path]
        for path in sorted(deleted)
        if path in renewed and path not in after and path not in moved
    }
    found.imports = {
        path: {name: _moved_module(name, found.renamed) for name in names}
        for path, names in broken_imports(contents(before), contents(after), renewed).items()
    }
    found.remains = _remaining(rehearsal, affected)
    if any(path.endswith("alembic.ini") for path in after):
        found.tables = _tables(rehearsal, found)
    return found


def _list(found: Plan, rehearsal: Rehearsal, path: str) -> list[str]:
    """Return the list of `found` in which a path belongs that the update changed."""
    before, after = rehearsal.before.get(path), rehearsal.after.get(path)
    if path in rehearsal.unmerged or path.endswith(".rej"):
        return found.conflicts
    if before is None:
        return found.comes
    written = rehearsal.written.get(path)
    if before.contents == written:
        return found.goes if after is None else found.changes
    if after is None or not _survives(
        before.contents, written, rehearsal.renewed.get(path), after.contents
    ):
        return found.lost
    return found.merges


def _survives(edited: bytes, old: bytes | None, new: bytes | None, after: bytes) -> bool:
    """Return whether an edit of `old` is in `after`, which is neither `edited` nor a conflict.

    Copier applies edits as a patch; a file that git does not track, and one that is not text, it
    may overwrite instead.
    """
    if after == edited or after == new == old:
        return after == edited
    if after != new:
        return bool(after) and old != new
    return _merged(edited, old or b"", new) == new


def _merged(edited: bytes, old: bytes, new: bytes) -> bytes | None:
    """Return what both changes to `old` make together; None where they do not fit together."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("edited", "old", "new")
        for name, text in zip(names, (edited, old, new), strict=True):
            Path(folder, name).write_bytes(text)
        try:
            return unconfigured(Path(folder), "merge-file", "--stdout", "--quiet", *names)
        except GitError:
            return None


def _moved_module(name: str, renamed: Mapping[str, str]) -> str | None:
    """Return where a module is now whose file was renamed."""
    path = name.replace(".", "/")
    new = renamed.get(f"{path}.py") or renamed.get(f"{path}/__init__.py")
    return new.removesuffix(".py").removesuffix("/__init__").replace("/", ".") if new else None


def _remaining(rehearsal: Rehearsal, gone: Iterable[str]) -> dict[str, list[str]]:
    """Return what keeps those folders of which the template has nothing any more."""
    kept: dict[str, list[str]] = {}
    needed = {str(parent) for path in rehearsal.renewed for parent in PurePosixPath(path).parents}
    for path in sorted(gone):
        folders = [str(folder) for folder in PurePosixPath(path).parents]
        left = [folder for folder in folders if folder not in needed]
        if left:
            own = [name for name in rehearsal.after if name.startswith(f"{left[-1]}/")]
            if own:
                kept[left[-1]] = sorted(own)
    return kept


def _tables(rehearsal: Rehearsal, found: Plan) -> list[str]:
    changed = [*found.comes, *found.changes, *found.merges, *found.goes, *found.conflicts]
    texts = (contents(rehearsal.before), contents(rehearsal.after))
    return [
        path
        for path in sorted([*changed, *found.lost])
        if path.startswith("app/") and any(DEFINES_TABLE in text.get(path, b"") for text in texts)
    ]


def discarded(service: Path, found: Plan, names: Sequence[str]) -> list[str]:
    """Return the paths of the lost edits that `names` name, from the service or from here.

    Raises:
        UsageError: an edit would not be lost there.
    """
    paths = []
    for name in names:
        here = Path(name).absolute()
        inside = here.relative_to(service).as_posix() if here.is_relative_to(service) else name
        matching = [path for path in (PurePosixPath(name).as_posix(), inside) if path in found.lost]
        if not matching:
            raise UsageError(f"No edit of {name} would be lost; leave out --discard {name}.")
        paths.append(matching[0])
    return paths


def apply(service: Path, rehearsal: Rehearsal) -> None:
    """Do to `service` what the rehearsal did to its copy, byte for byte.

    Raises:
        UsageError: somebody changed the service since it was copied, it has a link where the update
            changes a file, or it cannot be written; all is as it was then.
    """
    linked = rehearsal.linked
    for path in sorted(linked):
        if rehearsal.before[path] != rehearsal.after.get(path):
            raise UsageError(f"{path} is a link, and the update changes it; put a file there.")
    before, after = (
        {path: entry for path, entry in taken.items() if path not in linked}
        for taken in (rehearsal.before, rehearsal.after)
    )
    present = entries(service, {*before, *after})
    if (
        git(service, "config", "--type=bool", "--get", "--default=true", "core.fileMode").strip()
        == b"false"
    ):
        _take_modes(present, before, after)
    if (
        git(service, "rev-parse", "HEAD").decode().strip() != rehearsal.head
        or git(service, "status", "--porcelain", "--untracked-files=normal", "--", ".")
        or present != before
    ):
        raise UsageError("The service changed meanwhile; run the command again.")
    stages = git(rehearsal.copy, "ls-files", "--unmerged", "--full-name", "-z")
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # all of it, or nothing
    try:
        carry(before, after, service)
        _mark_unmerged(service, rehearsal.copy, stages)
    except (OSError, GitError) as error:
        carry(entries(service, {*before, *after}), before, service)
        raise UsageError(
            f"The update cannot be written ({error}), so all is as it was; fix that, and run the "
            "command again."
        ) from error
    finally:
        signal.signal(signal.SIGINT, interrupt)


def _take_modes(present: Snapshot, *others: Snapshot) -> None:
    """Let `others` have the modes that files have at present, for git does not look at them."""
    for other in others:
        for path, entry in other.items():
            if path in present:
                executable = present[path].is_executable
                other[path] = entry._replace(is_executable=executable)


def _mark_unmerged(service: Path, copy: Path, stages: bytes) -> None:
    """Give the service's index what the copy's has of files in conflict, as after a merge."""
    lines = {}  # by path and stage; what is not in conflict, stage 0, goes first
    for line in listed(stages):
        description, path = line.split("\t", 1)
        _, digest, stage = description.split(" ")
        git(service, "hash-object", "-w", "--stdin", stdin=git(copy, "cat-file", "blob", digest))
        lines[path, "0"] = f"0 {'0' * len(digest)}\t{path}"
        lines[path, stage] = line
    if lines:
        text = "".join(f"{lines[key]}\0" for key in sorted(lines)).encode()
        top = Path(os.fsdecode(git(service, "rev-parse", "--show-toplevel")).rstrip("\n"))
        git(top, "update-index", "-z", "--index-info", stdin=text)

"""What a folder holds, kept in memory: to compare it, and to write it elsewhere."""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """A file or a link. The contents of a link are where it leads."""

    contents: bytes
    is_link: bool = False
    is_executable: bool = False


Snapshot = dict[str, Entry]
"""Entries by relative path, with `/` between folders."""


def snapshot(folder: Path) -> Snapshot:
    """Return all that is below `folder`, but for git's own."""
    paths = []
    for parent, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if Path(parent, name).is_symlink()]
        paths += [Path(parent, name).relative_to(folder).as_posix() for name in [*names, *links]]
    return entries(folder, (path for path in paths if path != ".git"))


def entries(folder: Path, paths: Iterable[str]) -> Snapshot:
    """Return those of `paths` that are files or links below `folder`."""
    found = {}
    for path in paths:
        entry = _entry(folder / path)
        if entry:
            found[path] = entry
    return found


def _entry(path: Path) -> Entry | None:
    if path.is_symlink():
        return Entry(os.fsencode(path.readlink()), is_link=True)
    if path.is_file():
        return Entry(path.read_bytes(), is_executable=bool(path.stat().st_mode & 0o100))
    return None


def contents(taken: Mapping[str, Entry]) -> dict[str, bytes]:
    """Return the contents by path, without what kind of entry each is."""
    return {path: entry.contents for path, entry in taken.items()}


def carry(before: Snapshot, after: Snapshot, folder: Path) -> None:
    """Make `folder`, which holds `before`, hold `after`; folders that end empty go."""
    for path in before.keys() - after.keys():
        (folder / path).unlink()
        _remove_empty((folder / path).parent, folder)
    for path, entry in after.items():
        if entry != before.get(path):
            _write(folder / path, entry)


def _write(path: Path, entry: Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or entry.is_link:
        path.unlink(missing_ok=True)
    if entry.is_link:
        path.symlink_to(os.fsdecode(entry.contents))
        return
    path.write_bytes(entry.contents)
    executable = 0o111 if entry.is_executable else 0
    path.chmod(path.stat().st_mode & ~0o111 | executable & ~_umask())


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove `folder` and the folders above it, up to `top`, as far as they are empty."""
    with suppress(OSError):
        while folder != top:
            folder.rmdir()
            folder = folder.parent


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def copy_missing(source: Path, destination: Path, paths: Iterable[str]) -> frozenset[str]:
    """Copy those of `paths` that only `source` has, and return those that are links there.

    What these lead to is copied, so that nothing is written through them.
    """
    linked = set()
    for path in paths:
        if (source / path).is_file() and not os.path.lexists(destination / path):
            (destination / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, destination / path)
            if (source / path).is_symlink():
                linked.add(path)
    return frozenset(linked)

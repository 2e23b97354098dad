"""Runs git, and lets it say how two sets of files differ."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

OF_ONE_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
"""What git tells the programs that it starts, such as hooks, of the repository it works on."""

UNCONFIGURED = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
}


class GitError(Exception):
    """Git refused. The text is what it called fatal, or else what it said last."""


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    """Run git in `folder` and return what it printed.

    It leaves the index as it is, which `git status` by itself writes anew, and says what is wrong
    in English, whatever the person's language, as we do.

    Raises:
        GitError: it failed.
    """
    return _run(folder, arguments, environment(), stdin)


def environment() -> dict[str, str]:
    """Return what git is run with: in English, and on the folder that it is told, not a hook's."""
    own = {name: value for name, value in os.environ.items() if name not in OF_ONE_REPOSITORY}
    return {**own, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _run(
    folder: Path, arguments: Iterable[str], variables: Mapping[str, str], stdin: bytes | None = None
) -> bytes:
    done = subprocess.run(  # noqa: S603 (no shell reads the arguments)
        ["git", *arguments],  # noqa: S607 (the person's own git, wherever it is)
        cwd=folder,
        env=variables,
        input=stdin,
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        fatal = [line for line in said if line.startswith("fatal: ")]  # advice may follow
        raise GitError(["git failed", *said, *fatal[:1]][-1])
    return done.stdout


def configured(settings: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that add settings to what `known` variables say already."""
    count = int(known.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_CONFIG_COUNT": str(count + len(settings))}
    for number, (name, value) in enumerate(settings.items(), count):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def unconfigured(folder: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    """Run git on files of our own, without the person's configuration and attributes.

    Raises:
        GitError: it failed.
    """
    plain = ("-c", f"core.attributesFile={os.devnull}", "-c", "core.quotePath=false")
    return _run(folder, (*plain, *arguments), {**environment(), **UNCONFIGURED}, stdin)


def listed(output: bytes) -> list[str]:
    """Return the paths of what git printed with `-z`."""
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def difference(old: Mapping[str, bytes], new: Mapping[str, bytes], *options: str) -> str:
    """Return what `git diff` says of two sets of files, each the contents by path."""
    return _compared(old, new, "--no-ext-diff", *options).decode(errors="replace")


def renames(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, str]:
    """Return the new path of each file that has another one in `new`, as git detects it."""
    options = ("--name-status", "-z", "--find-renames=40%", "-l0", "--diff-filter=R")
    fields = listed(_compared(old, new, *options))
    return dict(zip(fields[1::3], fields[2::3], strict=True))


def _compared(old: Mapping[str, bytes], new: Mapping[str, bytes], *options: str) -> bytes:
    """Run `git diff` on two commits that hold the files: nothing is written out or converted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unconfigured(folder, "init", "--quiet", "--bare", "--template=")
        stream = b"".join((*_commit("a", old), *_commit("b", new)))
        unconfigured(folder, "fast-import", "--quiet", stdin=stream)
        return unconfigured(folder, "diff", *options, "a", "b")


def _commit(branch: str, files: Mapping[str, bytes]) -> Iterable[bytes]:
    yield f"commit refs/heads/{branch}\ncommitter nobody <> 0 +0000\ndata 0\n\n".encode()
    for path, contents in sorted(files.items()):
        yield b"M 100644 inline %b\ndata %d\n" % (os.fsencode(path), len(contents))
        yield contents + b"\n"

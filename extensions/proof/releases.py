"""How the next release of the template is made."""

import argparse
import datetime
import io
import lzma
import re
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from extensions.commands.git import GitError, git
from extensions.commands.releases import ARCHIVES, Release, recorded

# The license is not read, but no copy of the template goes without it.
READ_BY_COPIER = ("copier.yml", "parts", "template", "LICENSE")
UNRELEASED = "Unreleased"
MOVED = "### Moved or removed files"
NOTHING_YET = f"### Changed\n\n{MOVED}\n"


class ReleaseError(Exception):
    """The release cannot be made. The text is one sentence that says how to fix that."""


def changes(changelog: str) -> dict[str, str]:
    """Return the text of each `##` section of a changelog by its version, or `UNRELEASED`."""
    _, *sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    texts = {}
    for section in sections:
        heading, _, text = section.partition("\n")
        texts[heading.split()[0]] = text
    return texts


def prepare(repository: Path, version: str, today: datetime.date) -> str:
    """Make the work tree ready to be released as `version`.

    Returns:
        The commands of git that are left to the maintainer.

    Raises:
        ReleaseError: `version` or the work tree is not fit for that; nothing was changed.
    """
    _check_version(repository, version)
    if git(repository, "status", "--porcelain"):
        raise ReleaseError("The work tree has changes; commit them, or discard them, first.")
    changelog = repository / "CHANGELOG.md"
    text = _dated(changelog.read_text(encoding="utf-8"), version, today)

    changelog.write_text(text, encoding="utf-8")
    _bump(repository, version)
    release = Release(version, repository / ARCHIVES / f"v{version}.tar.xz")
    record(repository, "HEAD", release)
    archive = release.archive.relative_to(repository).as_posix()
    return (
        f"git add CHANGELOG.md pyproject.toml uv.lock {archive}\n"
        f'git commit -m "Release {version}"\n'
        f'git tag -a {release.tag} -m "Release {version}"\n'
        f"git push --atomic origin HEAD {release.tag}\n"
    )


def record(repository: Path, revision: str, release: Release) -> None:
    """Write the archive of `release`, which is `revision` of `repository`.

    The same files make the same archive, whatever the commit and the day.
    """
    release.archive.parent.mkdir(parents=True, exist_ok=True)
    tree = git(repository, "archive", "--format=tar", revision, *READ_BY_COPIER)
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tree)) as archived,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in archived:
            member.mtime = 0
            member.pax_headers = {}
            archive.addfile(member, archived.extractfile(member) if member.isfile() else None)
    release.archive.write_bytes(lzma.compress(plain.getvalue(), preset=9))


def record_again(repository: Path, version: str) -> str:
    """Record the newest release anew, of the present commit; nobody may have got it yet.

    Returns:
        What was recorded, in a sentence.

    Raises:
        ReleaseError: `version` is published, or is not the newest that is recorded.
    """
    releases = recorded(repository)
    if not releases or releases[-1].version != version:
        raise ReleaseError(f"{version} is not the newest release that is recorded; type that one.")
    if git(repository, "tag", "--list", releases[-1].tag):
        raise ReleaseError(f"There is a tag {releases[-1].tag}: what it holds is for ever.")
    if git(repository, "status", "--porcelain", "--", *READ_BY_COPIER):
        raise ReleaseError("The template has changes; commit them, or discard them, first.")
    record(repository, "HEAD", releases[-1])
    return f"{releases[-1].archive.relative_to(repository)} is of the present commit.\n"


def _check_version(repository: Path, version: str) -> None:
    try:
        parsed = Version(version)
    except InvalidVersion:
        raise ReleaseError(f"{version!r} is not a version; type one such as 1.2.0.") from None
    if not re.fullmatch(r"\d+\.\d+\.\d+", version) or str(parsed) != version:
        raise ReleaseError(f"{version!r} is not written as a tag is; type one such as 1.2.0.")
    releases = recorded(repository)
    if releases and parsed <= Version(releases[-1].version):
        newest = releases[-1].version
        raise ReleaseError(f"{version} is not newer than {newest}; type a greater one.")
    if git(repository, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"There is a tag v{version} already; type a greater version.")


def _dated(changelog: str, version: str, today: datetime.date) -> str:
    """Return the changelog with what was unreleased under `version`, and room for what follows."""
    written = changes(changelog).get(UNRELEASED, "")
    headed = re.split(r"^(?=### )", written, flags=re.MULTILINE)
    filled = [part for part in headed if re.sub(r"\A### .*", "", part).strip()]
    if not filled:
        raise ReleaseError(
            f"CHANGELOG.md has nothing under {UNRELEASED}; say there what changes for a service."
        )
    before, heading, after = changelog.partition(f"## {UNRELEASED}\n{written}")
    if not heading:
        raise ReleaseError(f"CHANGELOG.md has no line that is just `## {UNRELEASED}`; fix it.")
    dated = f"## {version} ({today})\n\n{''.join(filled).lstrip()}"
    return f"{before}## {UNRELEASED}\n\n{NOTHING_YET}\n{dated}{after}"


def _bump(repository: Path, version: str) -> None:
    """Write `version` where the project's own is: pyproject.toml, and its entry in uv.lock."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = f'name = "{project["name"]}"\nversion = "'
    for name in ("pyproject.toml", "uv.lock"):
        path = repository / name
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace(f'{declared}{project["version"]}"', f'{declared}{version}"'),
            encoding="utf-8",
        )


def main(arguments: Sequence[str]) -> int:
    """Prepare the release that `arguments` name, or record it again."""
    parser = argparse.ArgumentParser(prog="nox -s release --")
    parser.add_argument("version", help="such as 1.2.0")
    parser.add_argument(
        "--again",
        action="store_true",
        help="record the newest release anew, which nobody has got yet, and change nothing else",
    )
    given = parser.parse_args(arguments)
    try:
        if given.again:
            said = record_again(Path.cwd(), given.version)
        else:
            today = datetime.datetime.now(datetime.UTC).date()
            commands = prepare(Path.cwd(), given.version, today)
            said = f"Look at `git diff`, run `uv run nox`, then:\n\n{commands}"
    except (ReleaseError, GitError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

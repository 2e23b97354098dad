"""What was released is recorded, and the next release is prepared only where it is due."""

import datetime
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from extensions.commands.releases import Release, recorded, unpack
from extensions.proof.releases import (
    READ_BY_COPIER,
    UNRELEASED,
    ReleaseError,
    changes,
    prepare,
    record,
    record_again,
)
from extensions.proof.rendering import files
from tests.rendering import ROOT, differing, git

TODAY = datetime.date(2030, 1, 2)
CHANGELOG = """# Changelog

What changes.

## Unreleased

### Added

### Moved or removed files

- `app/old.py` is `app/new.py`.

## 0.1.0

The first release.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small template whose release 0.1.0 is recorded."""
    for name, text in {
        "CHANGELOG.md": CHANGELOG,
        "LICENSE": "MIT\n",
        "copier.yml": "_subdirectory: template\n",
        "parts/macros.jinja": "",
        "pyproject.toml": '[project]\nname = "a-template"\nversion = "0.1.0"\n',
        "template/app/new.py": "",
        "uv.lock": '[[package]]\nname = "a-template"\nversion = "0.1.0"\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    record(tmp_path, "HEAD", Release("0.1.0", tmp_path / "tests/releases/v0.1.0.tar.xz"))
    commit(tmp_path)
    return tmp_path


def commit(project: Path) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Work")


def test_every_release_of_the_changelog_is_recorded() -> None:
    versions = [release.version for release in recorded(ROOT)]
    said = changes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert [UNRELEASED, *reversed(versions)] == list(said)
    assert (
        versions[-1] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    )


@pytest.mark.parametrize("release", recorded(ROOT), ids=lambda release: release.tag)
def test_what_is_recorded_is_what_the_tag_holds(release: Release, tmp_path: Path) -> None:
    if not git(ROOT, "tag", "--list", release.tag):
        pytest.skip(f"this clone does not have the tag {release.tag}")
    tagged = Release(release.version, tmp_path / "tagged.tar.xz")
    record(ROOT, release.tag, tagged)
    both = (files(unpack(each, tmp_path / name)) for each, name in ((release, "a"), (tagged, "b")))
    assert differing(*both) == set()


def test_a_release_gets_its_version_its_date_and_its_record(project: Path) -> None:
    prepare(project, "0.2.0", TODAY)

    changelog = (project / "CHANGELOG.md").read_text()
    said = changes(changelog)
    assert list(said) == ["Unreleased", "0.2.0", "0.1.0"]
    assert "## 0.2.0 (2030-01-02)\n\n### Moved or removed files\n\n- `app/old.py`" in changelog
    assert "- `app/old.py`" not in said["Unreleased"]
    assert "### Moved or removed files" in said["Unreleased"]
    assert 'version = "0.2.0"' in (project / "pyproject.toml").read_text()
    assert 'version = "0.2.0"' in (project / "uv.lock").read_text()
    assert [release.version for release in recorded(project)] == ["0.1.0", "0.2.0"]


def test_the_commands_that_it_names_release_it(project: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(project, "remote", "add", "origin", str(remote))
    (project / ".gitignore").write_text("remote.git\n")
    commit(project)
    commands = prepare(project, "0.2.0", TODAY)
    subprocess.run(["bash", "-euc", commands], cwd=project, check=True, capture_output=True)

    assert git(project, "status", "--porcelain") == ""
    assert git(remote, "tag").split() == ["v0.2.0"]
    tagged = Release("0.2.0", tmp_path / "tagged.tar.xz")
    record(project, "v0.2.0", tagged)
    recorded_files = files(unpack(recorded(project)[-1], tmp_path / "recorded"))
    assert differing(files(unpack(tagged, tmp_path / "tagged")), recorded_files) == set()
    assert {name.split("/")[0] for name in recorded_files} == set(READ_BY_COPIER)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("first", "'first' is not a version; type one such as 1.2.0."),
        ("v0.2.0", "'v0.2.0' is not written as a tag is; type one such as 1.2.0."),
        ("0.2", "'0.2' is not written as a tag is; type one such as 1.2.0."),
        ("0.2.0rc1", "'0.2.0rc1' is not written as a tag is; type one such as 1.2.0."),
        ("0.2.0.post1", "'0.2.0.post1' is not written as a tag is; type one such as 1.2.0."),
        ("0.1.0", "0.1.0 is not newer than 0.1.0; type a greater one."),
        ("0.0.9", "0.0.9 is not newer than 0.1.0; type a greater one."),
        ("0.3.0", "There is a tag v0.3.0 already; type a greater version."),
    ],
)
def test_a_version_that_cannot_be_released_is_refused(
    project: Path, version: str, reason: str
) -> None:
    git(project, "tag", "v0.3.0")
    with pytest.raises(ReleaseError) as refused:
        prepare(project, version, TODAY)
    assert str(refused.value) == reason
    assert git(project, "status", "--porcelain") == ""


def test_a_release_without_a_tag_is_recorded_again(project: Path) -> None:
    archive = recorded(project)[-1].archive
    before = archive.read_bytes()
    record_again(project, "0.1.0")
    assert archive.read_bytes() == before  # of another commit, and the same files

    (project / "template/app/newer.py").write_text("x = 1\n")
    with pytest.raises(ReleaseError, match="commit them, or discard them, first"):
        record_again(project, "0.1.0")
    commit(project)
    record_again(project, "0.1.0")
    unpacked = unpack(recorded(project)[-1], project / "unpacked")
    assert (unpacked / "template/app/newer.py").is_file()

    with pytest.raises(ReleaseError, match="not the newest release that is recorded"):
        record_again(project, "0.0.9")
    git(project, "tag", "v0.1.0")
    with pytest.raises(ReleaseError, match="what it holds is for ever"):
        record_again(project, "0.1.0")


def test_a_work_tree_with_changes_is_not_released(project: Path) -> None:
    (project / "template/app/new.py").write_text("x = 1\n")
    with pytest.raises(ReleaseError, match="commit them, or discard them, first"):
        prepare(project, "0.2.0", TODAY)


def test_a_release_of_which_the_changelog_says_nothing_is_refused(project: Path) -> None:
    changelog = project / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("- `app/old.py` is `app/new.py`.\n", ""))
    commit(project)
    with pytest.raises(ReleaseError, match=r"CHANGELOG\.md has nothing under Unreleased"):
        prepare(project, "0.2.0", TODAY)
    assert git(project, "status", "--porcelain") == ""


def test_a_changelog_whose_heading_is_not_as_it_should_be_is_refused(project: Path) -> None:
    changelog = project / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## Unreleased\n", "## Unreleased \n"))
    commit(project)
    with pytest.raises(ReleaseError, match="no line that is just `## Unreleased`"):
        prepare(project, "0.2.0", TODAY)
    assert git(project, "status", "--porcelain") == ""


def test_the_session_refuses_in_a_sentence(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(clone))
    for name in (
        "noxfile.py",
        "extensions/proof/releases.py",
    ):  # also where they are not committed yet
        shutil.copy(ROOT / name, clone / name)
    done = subprocess.run(
        ["nox", "-s", "release", "--", "0.0.1"],
        cwd=clone,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "0.0.1 is not newer than" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr

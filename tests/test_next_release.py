"""A plan foretells what the next release does to a person's work, whatever kind of change it is."""

import shutil
from pathlib import Path

import pytest

from extensions.commands.__main__ import CONFLICTS, LOST, main
from extensions.commands.snapshot import snapshot
from extensions.proof.rendering import files
from tests.history import NEWEST, edit, find
from tests.next_release import (
    DELETED,
    FIXED,
    LINES,
    MOVED_INTO_ANOTHER_OVERLAY,
    NEW_PACKAGE,
    RENAMED,
    RENAMED_SETTING,
    module,
    publish_next,
)
from tests.person import DELETED as DELETED_BY_THE_PERSON
from tests.person import commit, scaffold, work
from tests.plans import section
from tests.rendering import git, run_copier

pytestmark = pytest.mark.update

OWN_MODULE = "app/features/newsletter/routers.py"
OUR_HEADING = "## How we update\n"


@pytest.fixture(params=["minimal", "full"])
def service(request: pytest.FixtureRequest, next_release: Path, tmp_path: Path) -> Path:
    """Return a service of the work tree in which a person has edits of every kind."""
    answers = {"preset": request.param}
    service = scaffold(next_release, tmp_path, answers, "--vcs-ref", NEWEST)
    work(service)
    (service / OWN_MODULE).write_text(f"import {module(RENAMED[0])}\n")
    for path in (MOVED_INTO_ANOTHER_OVERLAY, RENAMED[0]):
        if (service / path).exists():
            edit(service / path, lambda text: f"# ours\n{text}")
    edit(service / "README.md", lambda text: text.replace(LINES["README.md"][0], OUR_HEADING))
    edit(service / ".env.development", lambda text: f"{text}{RENAMED_SETTING[0]}=3\n")
    commit(service, "Our own work")
    return service


def test_a_plan_says_what_the_next_release_does(
    service: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(service)
    shutil.copytree(service, tmp_path / "by hand")

    assert main(["plan-update", str(service), "--apply"]) == LOST
    said = capsys.readouterr().out
    assert files(service) == before

    old, new = RENAMED
    lost = section(said, "LOST")
    assert lost == [f"{old} → {new}: your edit is not carried over; make it there"]
    assert section(said, "CONFLICTS") == ["README.md"]
    assert section(said, "Deleted; you did not edit them") == [DELETED]
    assert section(said, "Deleted by you") == [f"{DELETED_BY_THE_PERSON}: the template changed it"]
    assert section(said, "Imports in your own files") == [
        f"{OWN_MODULE}: {module(old)} is now {module(new)}"
    ]
    is_there = MOVED_INTO_ANOTHER_OVERLAY in before
    merged = {MOVED_INTO_ANOTHER_OVERLAY} if is_there else set()
    merged |= {".env.example", ".gitignore", "pyproject.toml"}
    merged |= {"app/features/example/routers.py"} & before.keys()
    assert set(section(said, "Changed, and your edits stay")) == merged
    new_files = {new} if is_there else {new, MOVED_INTO_ANOTHER_OVERLAY}
    assert set(section(said, "New files")) == new_files
    assert FIXED in section(said, "Changed")
    assert "editor: (not asked) → none" in said

    assert main(["plan-update", str(service), "--apply", "--discard", old]) == CONFLICTS
    done = run_copier("update", "--defaults", folder=tmp_path / "by hand")
    assert done.returncode == 0, done.stderr
    assert snapshot(service) == snapshot(tmp_path / "by hand")
    after = {path: text.decode() for path, text in files(service).items() if path in merged}
    assert all(LINES[path][1] in text for path, text in after.items() if path in LINES)
    assert NEW_PACKAGE in after["pyproject.toml"]
    assert RENAMED_SETTING[1] in after[".env.example"]
    readme = (service / "README.md").read_text()
    assert OUR_HEADING in readme
    assert LINES["README.md"][1] in readme
    assert git(service, "ls-files", "--unmerged").count("\tREADME.md\n") == 3


def test_a_place_that_has_gone_is_named_in_a_sentence(history: Path, tmp_path: Path) -> None:
    """The editor of a template need not know of the made-up release."""
    git(tmp_path, "clone", "--quiet", str(history), "releases")
    config = find(tmp_path / "releases", ".gitignore")
    edit(config, lambda text: text.replace(LINES[".gitignore"][0], ""))
    with pytest.raises(AssertionError, match=r"^\.gitignore has no .* any more: give tests/next"):
        publish_next(tmp_path / "releases")

"""A plan says what an update does, above all what it would lose, and changes nothing itself."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import copier
import pytest

from extensions.commands.__main__ import CONFLICTS, FINE, INTERRUPTED, LOST, WRONG_USE, main
from extensions.commands.git import configured
from extensions.commands.rehearsal import ANSWERS
from extensions.commands.snapshot import Snapshot, snapshot
from tests.history import edit
from tests.plans import section
from tests.rendering import ROOT, git, run_copier

pytestmark = pytest.mark.update

CONFIG = """
_subdirectory: template
_answers_file: .copier-answers.yml
_envops: {keep_trailing_newline: true}
_message_after_update: "Next: uv sync"
_skip_if_exists: [/.env, /settings.toml]
_exclude:
  - |
    {% if _copier_operation == 'update' %}
    /uv.lock
    {% endif %}
  - |
    {% if storage == 'none' %}
    /app/oss.py
    /app/storage
    {% endif %}
project_slug:
  type: str
  default: svc
  validator: "{% if project_slug | length < 3 %}Type 3 letters or more.{% endif %}"
storage: {type: str, choices: {S3: s3, none: none}, default: s3}
buckets: {type: str, choices: [one, many], default: one, when: "{{ storage == 's3' }}"}
docs: {type: yaml, choices: {"yes": true, "no": false}, default: true}
"""
BODY = "".join(f"line_{number} = {number}\n" for number in range(30))
FILES = {
    "copier.yml": CONFIG,
    "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "template/.gitignore.jinja": "/.env\n",
    "template/.env": "KEY=template\n",
    "template/settings.toml": "level = 1\n",
    "template/uv.lock": "locked = 1\n",
    "template/README.md.jinja": "# {{ project_slug }}\n\nstorage: {{ storage }}\n\n" + BODY,
    "template/app/api.py": BODY,
    "template/app/oss.py": f"# storage\n{BODY}",
    "template/app/storage/keys.py": f"# keys\n{BODY}",
    "template/app/models.py": f'__tablename__ = "examples"\n{BODY}',
    "template/app/logo.png": "logo\0",
    "template/alembic.ini": "[alembic]\n",
}


class Outcome(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Plan = Callable[..., Outcome]


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Return a small template with one release."""
    folder = tmp_path / "releases"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    release(folder, "v1.0.0")
    return folder


@pytest.fixture
def service(releases: Path, tmp_path: Path) -> Path:
    """Return a service made of the first release, committed."""
    folder = tmp_path / "service"
    copier.run_copy(str(releases), folder, defaults=True, quiet=True)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


@pytest.fixture
def plan(service: Path, capsys: pytest.CaptureFixture[str]) -> Plan:
    """Return the command `plan-update` for the service; without --apply nothing may change."""

    def run(*arguments: str) -> Outcome:
        before = whole(service)
        capsys.readouterr()
        code = main(["plan-update", str(service), *arguments])
        if "--apply" not in arguments or code in (LOST, WRONG_USE):
            assert whole(service) == before
        return Outcome(code, *capsys.readouterr())

    return run


def whole(service: Path) -> tuple[Snapshot, Snapshot]:
    """Return what a service holds, and what git holds of it, its index included."""
    return snapshot(service), snapshot(service / ".git")


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Work")


def release(folder: Path, tag: str, changes: Mapping[str, str | None] | None = None) -> None:
    """Publish another release with these contents of files of the template; None removes one."""
    for name, text in (changes or {}).items():
        path = folder / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)
    commit(folder)
    git(folder, "tag", tag)


def edit_ignored(service: Path, name: str) -> None:
    """Have git ignore a file of the template in `service`, which the person edits."""
    edit(service / ".gitignore", lambda text: f"{text}/{name}\n")
    git(service, "rm", "--quiet", "--cached", name)
    edit(service / name, lambda text: f"{text}ours = 1\n")
    commit(service)


def test_nothing_to_do_is_said(plan: Plan, service: Path) -> None:
    (service / "README.md").touch()  # for which git, when asked for the status, writes its index
    outcome = plan()
    assert outcome.code == FINE
    assert "No file changes." in outcome.out


def test_what_comes_changes_and_goes_is_listed(plan: Plan, service: Path, releases: Path) -> None:
    edit(service / "README.md", lambda text: f"{text}\nOurs.\n")
    commit(service)
    release(
        releases,
        "v1.1.0",
        {
            "app/new.py": "new = 1\n",
            "app/api.py": f"# newer\n{BODY}",
            "README.md.jinja": "# {{ project_slug }}, newer\n\nstorage: {{ storage }}\n\n" + BODY,
            "app/oss.py": None,
        },
    )
    outcome = plan()
    assert outcome.code == FINE
    assert "from v1.0.0 to v1.1.0" in outcome.out
    assert section(outcome.out, "New files") == ["app/new.py"]
    assert section(outcome.out, "Changed (") == []
    assert "Changed (1)\n  app/api.py\n" in outcome.out
    assert section(outcome.out, "Changed, and your edits stay") == ["README.md"]
    assert section(outcome.out, "Deleted; you did not edit them") == ["app/oss.py"]
    assert (
        "Nothing was changed. To carry it out, run this command again with\n  --apply\n"
        in outcome.out
    )


def test_an_edit_of_a_part_that_is_switched_off_would_be_lost(plan: Plan, service: Path) -> None:
    edit(service / "app/oss.py", lambda text: f"{text}ours = 1\n")
    commit(service)
    outcome = plan("-d", "storage=none")
    assert outcome.code == LOST
    assert "storage: s3 → none" in outcome.out
    assert section(outcome.out, "LOST") == ["app/oss.py"]
    assert section(outcome.out, "Deleted; you did not edit them") == ["app/storage/keys.py"]
    assert "app/oss.py | 1 +\n" in outcome.out
    assert "+ours = 1" not in outcome.out
    assert "--apply --discard app/oss.py" in outcome.out
    assert "+ours = 1" in plan("-d", "storage=none", "--diff").out


def test_an_edit_of_a_renamed_file_is_shown_with_where_to_make_it(
    plan: Plan, service: Path, releases: Path
) -> None:
    edit(service / "app/oss.py", lambda text: f"{text}ours = 1\n")
    commit(service)
    renamed = {"app/oss.py": None, "app/files/store.py": f"# storage, moved\n{BODY}"}
    release(releases, "v1.1.0", renamed)
    outcome = plan("--diff")
    assert outcome.code == LOST
    assert section(outcome.out, "LOST") == [
        "app/oss.py → app/files/store.py: your edit is not carried over; make it there",
    ]
    patch = outcome.out[outcome.out.index("diff --git") : outcome.out.index("\n\nNothing")] + "\n"
    assert plan("--apply", "--discard", "app/oss.py").code == FINE
    subprocess.run(["git", "apply"], cwd=service, input=patch, text=True, check=True)
    assert (service / "app/files/store.py").read_text() == f"# storage, moved\n{BODY}ours = 1\n"


def test_the_changelog_is_quoted_for_a_dropped_file(
    plan: Plan, service: Path, releases: Path
) -> None:
    edit(service / "app/oss.py", lambda text: f"{text}ours = 1\n")
    commit(service)
    (releases / "CHANGELOG.md").write_text("- `app/oss.py` is gone: use a library.\n")
    release(releases, "v1.1.0", {"app/oss.py": None})
    outcome = plan()
    assert outcome.code == LOST
    assert "changelog: `app/oss.py` is gone: use a library." in outcome.out


def test_a_file_that_the_person_moved_is_named_with_what_it_misses(
    plan: Plan, service: Path, releases: Path
) -> None:
    git(service, "mv", "app/api.py", "app/routes.py")
    edit(service / "app/routes.py", lambda text: f"{text}ours = 1\n")
    commit(service)
    release(releases, "v1.1.0", {"app/api.py": f"fixed = True\n{BODY}"})
    outcome = plan("--diff")
    assert outcome.code == FINE
    assert section(outcome.out, "Moved by you") == ["app/api.py → app/routes.py"]
    assert "+++ b/app/routes.py" in outcome.out
    assert "+fixed = True" in outcome.out
    assert section(outcome.out, "Deleted by you") == []


def test_broken_imports_are_listed_with_the_new_path_of_the_module(
    plan: Plan, service: Path, releases: Path
) -> None:
    release(releases, "v1.0.1", {"app/core/__init__.py": "", "app/core/kit.py": "def old(): ...\n"})
    assert plan("--apply").code == FINE
    own = """
        import app.oss
        from app import storage
        from app.core.kit import old
        from ...core import kit
        def late():
            from app.models import line_7
            from app.storage.keys import line_1
    """
    (service / "app/features/order").mkdir(parents=True)
    (service / "app/features/order/services.py").write_text(textwrap.dedent(own))
    edit(service / "README.md", lambda text: f"{text}import app.oss\n")
    edit(service / "app/api.py", lambda text: f"from app.oss import line_1\n{text}")
    commit(service)
    changes = {
        "app/oss.py": None,
        "app/files/store.py": f"# storage\n{BODY}",
        "app/storage/keys.py": None,
        "app/core/kit.py": "def new(): ...\n",
        "app/models.py": BODY.replace("line_7 = ", "line_x = "),
        "app/api.py": f"newer = 1\n{BODY}",
    }
    release(releases, "v1.1.0", changes)
    assert section(plan().out, "Imports in your own files that the update breaks") == [
        "app/api.py: app.oss is now app.files.store",
        "app/features/order/services.py: app.core.kit.old is gone",
        "app/features/order/services.py: app.models.line_7 is gone",
        "app/features/order/services.py: app.oss is now app.files.store",
        "app/features/order/services.py: app.storage is gone",
    ]


def test_a_file_that_the_person_deleted_stays_deleted(
    plan: Plan, service: Path, releases: Path
) -> None:
    (service / "app/oss.py").unlink()
    (service / "app/storage/keys.py").unlink()
    commit(service)
    release(releases, "v1.1.0", {"app/oss.py": f"newer = 1\n{BODY}"})
    outcome = plan()
    assert outcome.code == FINE
    assert section(outcome.out, "Deleted by you; they stay so") == [
        "app/oss.py: the template changed it",
        "app/storage/keys.py",
    ]
    assert section(outcome.out, "New files") == []


def test_what_is_written_once_is_left_alone(plan: Plan, service: Path, releases: Path) -> None:
    edit(service / "uv.lock", lambda text: f"{text}ours = 1\n")
    edit(service / "settings.toml", lambda text: f"{text}ours = 1\n")
    (service / ".env").write_text("KEY=ours\n")  # git ignores it
    commit(service)
    newer = {"uv.lock": "locked = 2\n", "settings.toml": "level = 2\n", ".env": "KEY=newer\n"}
    release(releases, "v1.1.0", newer)
    outcome = plan("--apply")
    assert outcome.code == FINE
    assert "No file changes." in outcome.out
    assert (service / ".env").read_text() == "KEY=ours\n"


def test_what_is_skipped_where_it_exists_comes_again_where_it_does_not(
    plan: Plan, service: Path
) -> None:
    (service / "settings.toml").unlink()
    (service / ".env").unlink()
    commit(service)
    outcome = plan()
    assert section(outcome.out, "New files") == [".env", "settings.toml"]
    assert section(outcome.out, "Deleted by you") == []


def test_an_edit_that_git_ignores_and_copier_overwrites_would_be_lost(
    plan: Plan, service: Path, releases: Path
) -> None:
    edit_ignored(service, "app/api.py")
    release(releases, "v1.1.0", {"app/api.py": f"newer = 1\n{BODY}"})
    outcome = plan()
    assert outcome.code == LOST
    assert section(outcome.out, "LOST") == ["app/api.py: overwritten"]


def test_what_is_overwritten_is_told_by_the_answers_that_an_update_takes(
    plan: Plan, service: Path, releases: Path
) -> None:
    """A default may differ between new services and those that are there."""
    edit_ignored(service, "app/api.py")
    new = "{{ project_slug is not defined or 'project_slug' in _copier_conf.data }}"
    (releases / "copier.yml").write_text(
        CONFIG.replace(
            "project_slug:\n",
            f'is_new: {{type: bool, when: false, default: "{new}"}}\nproject_slug:\n',
        )
        + "traces: {type: bool, default: '{{ is_new }}'}\n"
    )
    release(
        releases,
        "v1.1.0",
        {
            "app/api.py": None,
            "app/api.py.jinja": f"{{% if traces %}}traced = 1\n{{% endif %}}newer = 1\n{BODY}",
        },
    )
    outcome = plan()
    assert "traces: (not asked) → False" in outcome.out
    assert section(outcome.out, "LOST") == ["app/api.py: overwritten"]
    assert outcome.code == LOST


def test_a_link_that_git_ignores_stays_and_is_never_written_through(
    plan: Plan, service: Path, releases: Path, tmp_path: Path
) -> None:
    (tmp_path / "secrets").write_text("KEY=ours\n")
    (service / ".env").unlink()
    (service / ".env").symlink_to(tmp_path / "secrets")
    release(releases, "v1.1.0", {"app/api.py": f"newer = 1\n{BODY}"})
    assert plan("--apply").code == FINE
    assert "newer = 1" in (service / "app/api.py").read_text()
    assert (service / ".env").is_symlink()
    commit(service)

    edit(releases / "copier.yml", lambda text: text.replace("/.env, ", ""))
    release(releases, "v1.2.0", {".env": "KEY=newer\n"})
    outcome = plan("--apply", "--discard", ".env")
    assert outcome.code == WRONG_USE
    assert outcome.err == ".env is a link, and the update changes it; put a file there.\n"
    assert (tmp_path / "secrets").read_text() == "KEY=ours\n"


def test_answers_that_are_no_yaml_are_refused_in_a_sentence(plan: Plan, service: Path) -> None:
    (service / ".copier-answers.yml").write_text("storage: [\n")
    commit(service)
    outcome = plan()
    assert outcome.code == WRONG_USE
    assert outcome.err == ".copier-answers.yml is no YAML; fix it, or take it from git again.\n"


def test_an_edit_that_is_not_text_would_be_lost(plan: Plan, service: Path, releases: Path) -> None:
    """Copier carries edits over as a patch, in which git puts no binary file."""
    (service / "app/logo.png").write_bytes(b"ours\0")
    edit(service / "app/api.py", lambda text: f"{text}ours = 1\n")
    commit(service)
    release(releases, "v1.1.0", {"app/logo.png": "newer\0"})
    outcome = plan()
    assert outcome.code == LOST
    assert section(outcome.out, "LOST") == ["app/logo.png: overwritten"]


def test_a_conflict_is_foretold_and_left_in_the_index(
    plan: Plan, service: Path, releases: Path
) -> None:
    edit(service / "app/api.py", lambda text: text.replace("line_7 = 7", "line_7 = 'ours'"))
    commit(service)
    release(releases, "v1.1.0", {"app/api.py": BODY.replace("line_7 = 7", "line_7 = 'theirs'")})
    outcome = plan()
    assert outcome.code == CONFLICTS
    assert section(outcome.out, "CONFLICTS") == ["app/api.py"]
    assert plan("--apply").code == CONFLICTS
    assert "app/api.py" in git(service, "ls-files", "--unmerged")
    assert ">>>>>>> after updating" in (service / "app/api.py").read_text()
    git(service, "checkout", "--ours", "app/api.py")
    assert "line_7 = 'ours'" in (service / "app/api.py").read_text()


def test_the_persons_files_stay_in_a_folder_that_goes(plan: Plan, service: Path) -> None:
    (service / "app/storage/mine.py").write_text("mine = 1\n")
    commit(service)
    outcome = plan("-d", "storage=none", "--apply")
    assert outcome.code == FINE
    assert section(outcome.out, "Your own files") == ["app/storage/mine.py"]
    assert (service / "app/storage/mine.py").exists()


def test_a_change_of_tables_calls_for_a_migration(
    plan: Plan, service: Path, releases: Path
) -> None:
    assert "migration" not in plan().out
    release(releases, "v1.1.0", {"app/models.py": f'__tablename__ = "examples"\n# more\n{BODY}'})
    assert "for app/models.py define tables" in plan().out
    assert "`uv run svc migrate --check`" in plan().out


def test_applied_is_what_was_rehearsed_and_what_copier_does(
    plan: Plan, service: Path, releases: Path, tmp_path: Path
) -> None:
    edit(service / "app/oss.py", lambda text: f"{text}ours = 1\n")
    edit(service / "README.md", lambda text: f"{text}ours\n")
    edit(service / "app/models.py", lambda text: text.replace("line_7 = 7", "line_7 = 'ours'"))
    commit(service)
    release(
        releases,
        "v1.1.0",
        {
            "app/new.py": "new = 1\n",
            "app/models.py": FILES["template/app/models.py"].replace("line_7 = 7", "line_7 = 8"),
        },
    )
    (releases / "template/app/new.py").chmod(0o755)
    release(releases, "v1.1.1")
    git(tmp_path, "clone", "--quiet", str(service), "other")
    (tmp_path / "other/.env").write_bytes((service / ".env").read_bytes())
    done = run_copier("update", "--defaults", "-d", "storage=none", folder=tmp_path / "other")
    assert done.returncode == 0

    assert plan("-d", "storage=none", "--apply").code == LOST
    applied = plan("-d", "storage=none", "--apply", "--discard", "app/oss.py")
    assert applied.code == CONFLICTS
    assert "Next: uv sync" in applied.out
    assert snapshot(service) == snapshot(tmp_path / "other")
    stages = git(service, "ls-files", "--stage"), git(tmp_path / "other", "ls-files", "--stage")
    assert stages[0] == stages[1]
    assert not (service / "app/storage").exists()


def test_each_lost_edit_must_be_named(plan: Plan, service: Path) -> None:
    for name in ("app/oss.py", "app/storage/keys.py"):
        edit(service / name, lambda text: f"{text}ours = 1\n")
    commit(service)
    off = ("-d", "storage=none", "--apply", "--discard", "app/oss.py")
    assert plan(*off).code == LOST
    wrong = plan(*off, "--discard", "app/api.py")
    assert wrong.code == WRONG_USE
    assert "No edit of app/api.py would be lost" in wrong.err
    named = str(service / "app/storage/keys.py")
    assert plan(*off, "--discard", named).code == FINE
    assert not (service / "app/oss.py").exists()


def test_a_service_below_the_root_of_its_repository_is_updated_there(
    releases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "init", "--quiet", "mono")
    service = tmp_path / "mono/services/one"
    copier.run_copy(str(releases), service, defaults=True, quiet=True)
    edit(service / "app/api.py", lambda text: text.replace("line_7 = 7", "line_7 = 'ours'"))
    (tmp_path / "mono/other.txt").write_text("other\n")
    commit(tmp_path / "mono")
    release(releases, "v1.1.0", {"app/api.py": BODY.replace("line_7 = 7", "line_7 = 'theirs'")})
    assert main(["plan-update", str(service), "-d", "storage=none", "--apply"]) == CONFLICTS
    assert "services/one/app/api.py" in git(tmp_path / "mono", "ls-files", "--unmerged")
    assert not (service / "app/oss.py").exists()
    assert "app/oss.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-d", "storge=none"], "There is no question 'storge'; the nearest is storage."),
        (["-d", "storage=s4"], "storage cannot be 's4'; choose s3 or none."),
        (["-d", "storage"], "'storage' is no answer; write question=answer"),
        (["-d", "docs=maybe"], "docs cannot be 'maybe'; choose true or false."),
        (["-d", "project_slug=a"], "Type 3 letters or more."),
        (["-d", "storage=none", "-d", "buckets=many"], "buckets is not asked with the other"),
        (["--vcs-ref", "v7"], "v7 of "),
        (["-d", "docs=["], "docs cannot be '['; choose true or false."),
        (["-d", "docs="], "docs cannot be ''; choose true or false."),
    ],
)
def test_wrong_use_is_refused_in_a_sentence(
    arguments: list[str], reason: str, plan: Plan, service: Path
) -> None:
    outcome = plan(*arguments)
    assert outcome.code == WRONG_USE
    assert reason in outcome.err
    assert outcome.err.count("\n") == 1


def test_answers_are_checked_against_the_new_version(plan: Plan, releases: Path) -> None:
    assert plan("-d", "cache=redis").code == WRONG_USE
    (releases / "copier.yml").write_text(f"{CONFIG}cache: {{choices: [none, redis]}}\n")
    release(releases, "v1.1.0")
    outcome = plan("-d", "cache=redis")
    assert outcome.code == FINE
    assert "cache: (not asked) → redis" in outcome.out


def test_what_is_not_committed_is_refused(plan: Plan, service: Path) -> None:
    (service / "mine.py").touch()
    outcome = plan()
    assert outcome.code == WRONG_USE
    assert outcome.err == "mine.py is not committed; commit or stash that first.\n"


def test_a_rename_that_is_not_committed_is_named_by_both_its_names(
    plan: Plan, service: Path
) -> None:
    git(service, "mv", "app/api.py", "app/routes.py")
    assert plan().err.startswith("app/api.py, app/routes.py are not committed;")


def test_answers_that_git_does_not_have_are_refused(plan: Plan, service: Path) -> None:
    edit_ignored(service, ANSWERS)
    outcome = plan()
    assert outcome.code == WRONG_USE
    assert outcome.err.startswith(f"git does not have {ANSWERS};")


def test_what_cannot_be_written_leaves_all_as_it_was(
    plan: Plan, service: Path, releases: Path
) -> None:
    edit(service / ".gitignore", lambda text: f"{text}/zones/\n")
    commit(service)
    (service / "zones").mkdir()
    (service / "zones/mine.txt").touch()
    changes = {"app/api.py": "api = 3\n", "alembic.ini": None, "app/new.py": "new = 1\n"}
    release(releases, "v1.1.0", {**changes, "zones": "a file where a folder is\n"})
    outcome = plan("--apply")
    assert outcome.code == WRONG_USE
    assert outcome.err.endswith("so all is as it was; fix that, and run the command again.\n")
    assert git(service, "status", "--porcelain") == ""


def test_an_index_that_cannot_be_written_leaves_all_as_it_was(
    service: Path, releases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(service / "app/api.py", lambda text: f"ours = 1\n{text}")
    commit(service)
    release(releases, "v1.1.0", {"app/api.py": f"newer = 1\n{BODY}"})
    (service / ".git/index.lock").touch()
    before = snapshot(service), git(service, "ls-files", "--stage")
    assert main(["plan-update", str(service), "--apply"]) == WRONG_USE
    assert (snapshot(service), git(service, "ls-files", "--stage")) == before
    said = capsys.readouterr().err
    assert "index.lock" in said
    assert said.count("\n") == 1


def test_a_clone_that_does_not_look_at_modes_is_updated(
    plan: Plan, service: Path, releases: Path
) -> None:
    git(service, "config", "core.fileMode", "false")
    (service / "app/api.py").chmod(0o755)
    release(releases, "v1.1.0", {"app/new.py": "new = 1\n"})
    assert plan("--apply").code == FINE
    assert (service / "app/new.py").exists()


CONFIGURATIONS = {
    "apply.whitespace": "error",
    "clone.rejectShallow": "true",
    "color.ui": "always",
    "commit.gpgSign": "true",
    "core.abbrev": "40",
    "core.hooksPath": "{odd}",
    "core.quotePath": "false",
    "core.safecrlf": "true",
    "diff.algorithm": "patience",
    "diff.context": "0",
    "diff.external": "false",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "diff.renames": "false",
    "gpg.program": "false",
    "init.defaultObjectFormat": "sha256",
    "init.templateDir": "{odd}",
    "merge.conflictStyle": "diff3",
    "safe.bareRepository": "explicit",
    "status.relativePaths": "false",
    "status.showUntrackedFiles": "no",
    "user.useConfigOnly": "true",
}


def test_any_configuration_of_git_gives_the_same_plan(
    service: Path, releases: Path, tmp_path: Path
) -> None:
    """Among them what a hook is told, or a program of `git rebase --exec`."""
    edit(service / "app/oss.py", lambda text: f"{text}ours = 1 \n")
    edit(service / "app/api.py", lambda text: f"ours = 'ä' \n{text}")
    edit(service / "README.md", lambda text: f"{text}\nOurs. \n")
    (service / "ü.py").touch()
    commit(service)
    newer = {"app/api.py": f"newer = 1\n{BODY}", "README.md.jinja": f"# Newer\n{BODY}", "ä.py": ""}
    release(releases, "v1.1.0", newer)
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (odd / "pre-commit").chmod(0o755)
    arguments = ["plan-update", str(service), "-d", "storage=none", "--diff"]
    plain = in_a_process(*arguments)
    assert plain[0] == LOST
    of_a_hook = {"GIT_DIR": str(releases / ".git"), "GIT_INDEX_FILE": str(odd / "index")}
    settings = {name: value.format(odd=odd) for name, value in CONFIGURATIONS.items()}
    variables = {**of_a_hook, **configured(settings, os.environ)}
    assert in_a_process(*arguments, **variables) == plain


def test_what_the_terminal_cannot_show_is_written_otherwise(service: Path, releases: Path) -> None:
    edit(service / "app/oss.py", lambda text: f"ours = '→ 你'\n{text}")
    commit(service)
    release(releases, "v1.1.0", {"app/oss.py": None})
    arguments = ["plan-update", str(service), "-d", "storage=none", "--diff"]
    code, said, error = in_a_process(*arguments, PYTHONIOENCODING="cp1252")
    assert (code, error) == (LOST, "")
    assert "storage: s3 -> none" in said
    assert "+ours = '-> \\u4f60'" in said


def in_a_process(*arguments: str, **variables: str) -> Outcome:
    """Run a command in a process of its own, for its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "extensions.commands", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_an_unmerged_file_is_refused(plan: Plan, service: Path) -> None:
    git(service, "checkout", "--quiet", "-b", "other")
    edit(service / "app/api.py", lambda text: f"theirs = 1\n{text}")
    commit(service)
    git(service, "checkout", "--quiet", "main")
    edit(service / "app/api.py", lambda text: f"ours = 1\n{text}")
    commit(service)
    subprocess.run(["git", "merge", "other"], cwd=service, check=False, capture_output=True)
    outcome = plan()
    assert outcome.code == WRONG_USE
    assert outcome.err.startswith("app/api.py is unmerged;")


def test_a_template_without_the_recorded_commit_is_refused(
    plan: Plan, service: Path, releases: Path, tmp_path: Path
) -> None:
    release(releases, "v1.1.0", {"app/new.py": "new = 1\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", releases.as_uri(), "shallow")
    edit(service / ".copier-answers.yml", lambda text: text.replace("/releases", "/shallow"))
    commit(service)
    outcome = plan()
    assert outcome.code == WRONG_USE
    assert "has no v1.0.0, which this service was made of; run `git fetch" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / ".copier-answers.yml").unlink(), "has no .copier-answers.yml"),
        (lambda folder: (folder / ".git").rename(folder / "git"), "has no commit; run `git init`"),
        (lambda folder: folder.rename(folder.with_name("gone")), "is not a folder"),
        (
            lambda folder: edit(
                folder / ".copier-answers.yml", lambda text: text.replace("/releases", "/gone")
            ),
            "cannot be had",
        ),
    ],
)
def test_what_is_no_service_is_refused_in_a_sentence(
    spoil: Callable[[Path], object],
    reason: str,
    service: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(service)
    if (service / ".git").exists():
        commit(service)
    assert main(["plan-update", str(service)]) == WRONG_USE
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "code",
    ["_tasks: [touch {ran}]", "_migrations: [{{version: v1.1.0, command: touch {ran}}}]"],
    ids=["a task", "a migration"],
)
def test_a_version_that_needs_trust_is_refused(
    code: str, plan: Plan, releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    trusting = tmp_path / "settings.yml"
    trusting.write_text(f"trust: [{releases}]\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(trusting))
    (releases / "copier.yml").write_text(f"{CONFIG}{code.format(ran=ran)}\n")
    release(releases, "v1.1.0")
    outcome = plan("--apply")
    assert outcome.code == WRONG_USE
    assert "runs code while it updates, which a plan never allows" in outcome.err
    assert not ran.exists()


def test_an_interrupt_leaves_the_service_as_it_is(service: Path, tmp_path: Path) -> None:
    """The template's address is a program that never answers: the plan waits for it."""
    started, program = tmp_path / "started", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 600\n")
    program.chmod(0o755)
    edit(
        service / ".copier-answers.yml",
        lambda text: re.sub("_src_path: .*", f"_src_path: git+ext::{program}", text),
    )
    commit(service)
    before = whole(service)
    with subprocess.Popen(
        [sys.executable, "-m", "extensions.commands", "plan-update", str(service), "--apply"],
        cwd=ROOT,
        env={**os.environ, "GIT_ALLOW_PROTOCOL": "ext:file"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not started.exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"It ended, with {process.wait(0.1)}.")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert said == "Interrupted; nothing was changed.\n"
    assert whole(service) == before

"""An update brings what a release changed, and leaves what a person did."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extensions.commands.catalogue import Answer
from extensions.proof.rendering import files, render
from tests.history import edit, publish
from tests.person import commit, copy_the_example, scaffold, update
from tests.plans import section
from tests.rendering import ROOT, differing, git, run_copier

pytestmark = pytest.mark.update

INITIAL = "migrations/versions/0001_initial.py"
OWN_MIGRATION = 'revision = "0002_mine"\ndown_revision = "0001_initial"\n'


@pytest.fixture
def release(repository: Path, tmp_path: Path) -> Path:
    """Return a clone of the template, which has no tag, to release from."""
    git(tmp_path, "clone", "--quiet", str(repository), "releases")
    return tmp_path / "releases"


def recorded(service: Path) -> dict[str, Answer]:
    answers: dict[str, Answer] = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return answers


def test_a_fix_arrives_and_a_persons_work_stays(release: Path, tmp_path: Path) -> None:
    service = scaffold(release, tmp_path)
    assert recorded(service)["_src_path"] == str(release)

    edit(service / "README.md", lambda text: f"{text}\nOur own notes.\n")
    edit(service / "app/api.py", lambda text: f"{text}# our route\n")
    edit(service / ".env.development", lambda text: f"{text}LOG_LEVEL=DEBUG\n")
    edit(service / "uv.lock", lambda text: f"{text}# our versions\n")
    (service / "migrations/versions/0002_mine.py").write_text(OWN_MIGRATION)
    (service / "scripts/health_check.py").unlink()
    commit(service, "Our own work")
    before = files(service)

    publish(
        release,
        {
            "app/core/errors.py": lambda text: f"{text}\n# a fix\n",
            "README.md": lambda text: text.replace("# ", "# Release two of ", 1),
            "scripts/health_check.py": lambda text: f"{text}# more\n",
            "uv.lock": lambda text: f"{text}# newer versions\n",
            ".env.example": lambda text: f"{text}# NEW=1\n",
            INITIAL: lambda text: f"{text}# changed\n",
        },
    )
    update(service)
    after = files(service)

    assert after["app/core/errors.py"].endswith(b"# a fix\n")
    assert after["README.md"].startswith(b"# Release two of ")
    assert after["README.md"].endswith(b"Our own notes.\n")
    assert after["app/api.py"].endswith(b"# our route\n")
    assert b"# NEW=1" in after[".env.example"]
    assert "scripts/health_check.py" not in after
    for name in (".env.development", "uv.lock", INITIAL, "migrations/versions/0002_mine.py"):
        assert after[name] == before[name], name
    assert recorded(service)["_commit"] == git(release, "describe", "--always").strip()


def test_a_lock_is_the_persons_own_when_the_service_is_written_anew(
    release: Path, tmp_path: Path
) -> None:
    service = scaffold(release, tmp_path, {"preset": "minimal"})
    edit(service / "uv.lock", lambda text: f"{text}# our versions\n")
    (service / "LICENSE").write_text("Another one\n")
    commit(service, "Our own work")
    done = run_copier("recopy", "--defaults", "--overwrite", folder=service)
    assert done.returncode == 0, done.stderr
    assert (service / "uv.lock").read_text().endswith("# our versions\n")
    assert (service / "LICENSE").read_text() != "Another one\n"  # as recopy does to all others


def test_an_update_without_a_release_changes_nothing(release: Path, tmp_path: Path) -> None:
    service = scaffold(release, tmp_path)
    before = files(service)
    update(service)
    update(service)
    assert differing(files(service), before) == set()
    assert git(service, "status", "--porcelain") == ""


def test_a_tagged_release_is_found_through_the_address_on_github(
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git(release, "tag", "v1.0.0")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    monkeypatch.setenv("GIT_CONFIG_KEY_2", f"url.{release}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_2", "https://github.com/owner/template.git")
    service = scaffold("gh:owner/template", tmp_path)
    assert recorded(service)["_src_path"] == "gh:owner/template"
    assert recorded(service)["_commit"] == "v1.0.0"

    publish(release, {"app/core/errors.py": lambda text: f"{text}\n# a fix\n"}, tag="v1.1.0")
    publish(release, {"app/core/errors.py": lambda text: f"{text}\n# not released\n"})
    update(service)
    assert recorded(service)["_commit"] == "v1.1.0"
    assert (service / "app/core/errors.py").read_text().endswith("# a fix\n")


def test_a_conflict_is_left_for_the_person_to_see(release: Path, tmp_path: Path) -> None:
    service = scaffold(release, tmp_path)
    edit(service / "README.md", lambda text: text.replace("# My Service", "# Ours", 1))
    commit(service, "Our own title")
    publish(release, {"README.md": lambda text: text.replace("\n# ", "\n# Theirs: ", 1)})
    done = run_copier("update", "--defaults", folder=service)
    assert done.returncode == 0
    assert "README.md" in git(service, "ls-files", "--unmerged")
    assert "# Ours" in (service / "README.md").read_text()


def test_the_example_can_be_switched_off_for_good(
    release: Path, full_environment: Path, tmp_path: Path
) -> None:
    """Also by who has a feature of their own, as README.md says, and has run the programs."""

    def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(full_environment / ".venv/bin/python"), *arguments]
        return subprocess.run(
            command,
            cwd=service,
            check=False,
            capture_output=True,
            text=True,
        )

    service = scaffold(release, tmp_path, {"preset": "full"})
    own = dict(copy_the_example(service))
    commit(service, "Our feature, begun as a copy of the example")
    assert python("-m", "compileall", "-q", "app").returncode == 0
    assert "/api/v1/examples" in python("-m", "app", "openapi").stdout

    update(service, "--data", "example_module=false")
    example = service / "app/features/example"
    # Copier leaves what git ignores. Python takes nothing from a cache without its source.
    assert [path for path in files(example) if "__pycache__/" not in path] == []
    assert "No module named" in python("-c", "import app.features.example.routers").stderr
    said = python("-m", "app", "openapi")
    assert said.returncode == 0, said.stderr
    assert "/api/v1/orders" in said.stdout
    assert "/api/v1/examples" not in said.stdout
    assert recorded(service)["example_module"] is False
    for name, text in own.items():
        assert text in (service / name).read_text(encoding="utf-8"), name
    commit(service, "Switch the example off")

    publish(
        release,
        {"app/features/example/schemas.py": lambda text: f"{text}\n# a fix of the example\n"},
    )
    update(service)
    assert not list(example.glob("*.py"))
    for name, text in own.items():
        assert text in (service / name).read_text(encoding="utf-8"), name


def test_a_part_that_is_added_later_is_as_if_it_had_been_there(
    release: Path,
    template: Path,
    tmp_path: Path,
) -> None:
    service = scaffold(release, tmp_path, {"storage": "none", "auth": "none"})
    update(service, "--data", "storage=s3", "--data", "auth=jwt")
    fresh = files(render(template, tmp_path / "fresh", {"auth": "jwt"}))
    persons = {".copier-answers.yml", ".env.development", "uv.lock"}
    updated = files(service)
    assert persons <= updated.keys() & fresh.keys()
    assert differing(updated, fresh) <= persons


def test_another_preset_changes_nothing_later(release: Path, tmp_path: Path) -> None:
    service = scaffold(release, tmp_path)
    before = files(service)
    update(service, "--data", "preset=minimal")
    assert differing(files(service), before) == {".copier-answers.yml"}
    assert recorded(service)["database"] == "postgresql"


def test_a_source_that_an_update_would_not_find_is_named(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "releases")
    done = run_copier("copy", "--defaults", "releases", "service", folder=tmp_path)
    assert "write the template's whole path into .copier-answers.yml" in done.stderr
    done = run_copier("copy", "--defaults", tmp_path / "releases", "other", folder=tmp_path)
    assert "whole path" not in done.stderr


def test_the_commands_of_the_message_can_be_pasted(repository: Path, tmp_path: Path) -> None:
    name = """s p/it's "$(so)\""""
    done = run_copier("copy", "--defaults", repository, name, folder=tmp_path)
    (line,) = re.findall(r"^ *(cd .+)$", done.stderr, re.MULTILINE)
    there = subprocess.run(
        ["sh", "-c", f"{line} && pwd -P"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert there.stdout == f"{tmp_path / name}\n", line


def test_a_template_without_a_version_is_said_at_once(
    template: Path, repository: Path, tmp_path: Path
) -> None:
    archive = run_copier("copy", "--defaults", template, "archive", folder=tmp_path)
    assert str(template) in archive.stderr
    assert "cannot be updated later" in archive.stderr
    assert "uvx copier update" not in archive.stderr
    clone = run_copier("copy", "--defaults", repository, "clone", folder=tmp_path)
    assert "cannot be updated" not in clone.stderr
    assert "uvx copier update" in clone.stderr


def test_copying_again_leaves_what_is_the_persons_from_the_first_day(
    release: Path, tmp_path: Path
) -> None:
    service = scaffold(release, tmp_path)
    own = (".env.development", INITIAL)
    for name in own:
        edit(service / name, lambda text: f"{text}# ours\n")
    edit(service / "README.md", lambda text: f"{text}ours\n")
    commit(service, "Our own")
    before = files(service)
    done = run_copier("recopy", "--defaults", "--overwrite", folder=service)
    assert done.returncode == 0, done.stderr
    assert differing(files(service), before) == {"README.md"}


def test_line_breaks_of_windows_are_no_edits(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    monkeypatch.setenv("GIT_CONFIG_KEY_2", "core.autocrlf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_2", "true")
    git(tmp_path, "clone", "--quiet", str(repository), "releases")
    done = run_copier(
        "copy", "-d", "preset=minimal", "--defaults", "releases", "made", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    edit(
        tmp_path / "made/.copier-answers.yml",
        lambda text: text.replace(": releases", f": {tmp_path}/releases"),
    )
    git(tmp_path / "made", "init", "--quiet")
    commit(tmp_path / "made", "Scaffold")
    git(tmp_path, "clone", "--quiet", "made", "service")
    edit(tmp_path / "service/README.md", lambda text: f"{text}Ours.\n")
    commit(tmp_path / "service", "Ours")
    git(tmp_path / "releases", "tag", "v9.0.0")
    publish(
        tmp_path / "releases",
        {"README.md": lambda text: text.replace("\n# ", "\n# Newer: ", 1)},
        "v9.1.0",
    )
    planned = subprocess.run(
        [sys.executable, "-m", "extensions.commands", "plan-update", str(tmp_path / "service")],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert section(planned.stdout, "Changed, and your edits stay") == ["README.md"]
    assert "Changed (" not in planned.stdout


def test_the_message_after_an_update_says_what_is_due(release: Path, tmp_path: Path) -> None:
    service = scaffold(release, tmp_path)
    publish(release, {"app/core/errors.py": lambda text: f"{text}\n# a fix\n"})
    said = update(service)
    assert "uv sync" in said
    assert "migrate --check" in said

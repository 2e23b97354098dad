"""The commands run without a clone, installed as a person's tool does it."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from extensions.proof.rendering import files, render
from tests.rendering import ROOT, differing, git

pytestmark = pytest.mark.run


@pytest.fixture(scope="module")
def wheel(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what is built of a clone."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(template)], check=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(autouse=True)
def _as_locked(constraints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CONSTRAINT", str(constraints))


def run(wheel: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in `folder`, installed with its dependencies and nothing else."""
    command = ["uvx", "--quiet", "--from", str(wheel), "fastapi-service-template", *arguments]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_wheel_carries_the_whole_template(wheel: Path, template: Path) -> None:
    for part in ("parts", "template"):
        folder = f"extensions/commands/bundled/{part}/"
        with zipfile.ZipFile(wheel) as archive:
            carried = {
                name.removeprefix(folder): archive.read(name)
                for name in archive.namelist()
                if name.startswith(folder)
            }
        assert differing(carried, files(template / part)) == set()


def test_explain_needs_no_clone(wheel: Path, tmp_path: Path) -> None:
    done = run(wheel, tmp_path, "explain", "auth=jwt")
    assert done.returncode == 0, done.stderr
    assert "+ app/common/security.py" in done.stdout


def test_versions_cannot_be_compared_without_saying_whose(wheel: Path, tmp_path: Path) -> None:
    done = run(wheel, tmp_path, "diff", "v0.1.0", "HEAD")
    assert done.returncode == 2
    assert done.stderr == ("Say whose versions with --template, as in --template gh:OWNER/REPO.\n")


def test_a_wrong_folder_is_refused(wheel: Path, tmp_path: Path) -> None:
    done = run(wheel, tmp_path, "plan-update", ".")
    assert done.returncode == 2
    assert "has no .copier-answers.yml" in done.stderr


def test_new_needs_to_know_whose_template_where_the_wheel_does_not_say(
    wheel: Path, tmp_path: Path
) -> None:
    done = run(wheel, tmp_path, "new", "service", "--defaults")
    assert done.returncode == 2
    assert done.stderr == "Say which template with --template, as in --template gh:OWNER/REPO.\n"
    assert list(tmp_path.iterdir()) == []


def test_new_takes_the_repository_that_it_was_installed_from(
    repository: Path, tmp_path: Path
) -> None:
    source = f"git+{repository.as_uri()}"
    command = ["uvx", "--quiet", "--from", source, "fastapi-service-template", "new", "service"]
    done = subprocess.run(
        [*command, "--defaults", "-d", "preset=minimal"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = (tmp_path / "service/.copier-answers.yml").read_text()
    assert f"_src_path: {source}\n" in answers
    assert "_commit: " in answers


def test_the_wheel_carries_nothing_of_the_proof(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {"/".join(name.split("/")[:2]) for name in archive.namelist()}
    assert {name for name in tops if name.startswith("extensions/")} == {
        "extensions/__init__.py",
        "extensions/commands",
    }


def test_the_hooks_for_a_monorepo_check_the_service_from_the_root(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    root = tmp_path / "root"
    service = render(template, root / "services/orders", {"preset": "minimal"})
    subprocess.run(["uv", "sync", "--quiet"], cwd=service, check=True)
    page = (ROOT / "docs/monorepo.md").read_text()
    (root / ".pre-commit-config.yaml").write_text(
        page.partition("```yaml\n")[2].partition("```")[0]
    )
    (root / "other.py").write_text("x  =  1\n")  # of somebody else
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    hooks = ["uvx", "--quiet", "pre-commit", "run", "--all-files"]
    done = subprocess.run(hooks, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 4
    (service / "app/odd.py").write_text("x  =  1\n")
    git(root, "add", "--all")
    done = subprocess.run(hooks, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert (service / "app/odd.py").read_text() == "x = 1\n"

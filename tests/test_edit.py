"""`nox -s edit`: a service that is edited in the template, and no edit is ever lost."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.commands.catalogue import Answers
from extensions.commands.rendering import rendered
from extensions.proof.edit import RECORD, edit
from extensions.proof.rendering import files

ANSWERS: Answers = {"preset": "full"}
BASE = "app/common/health.py"
OVERLAY = "app/core/dialect.py"
SOURCES = {BASE: f"template/{BASE}", OVERLAY: f"template/{{{{ in_postgresql }}}}/{OVERLAY}"}
RENDERED = "app/main.py"


@pytest.fixture
def own(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the template in which something may be edited."""
    return Path(shutil.copytree(template, tmp_path / "own"))


@pytest.fixture
def service(own: Path) -> Path:
    """Return the service of it that is edited."""
    assert edit(own, ANSWERS, own / "edit") == []
    return own / "edit"


def test_it_is_the_service_that_copier_renders(own: Path, service: Path) -> None:
    found = files(service)
    found.pop(RECORD)
    expected = rendered(own, ANSWERS).files
    differing = {path for path in expected.keys() | found if expected.get(path) != found.get(path)}
    assert differing <= {".env.development"}  # which has a random key


def test_tools_read_the_linked_files_and_change_the_template(own: Path, service: Path) -> None:
    for path, source in SOURCES.items():
        assert (service / path).is_symlink()
        text = (service / path).read_text()
        (service / path).write_text(f"{text}import   os\n")
        ruff = [sys.executable, "-m", "ruff"]
        found = subprocess.run([*ruff, "check", "."], cwd=service, check=False, capture_output=True)
        assert path.encode() in found.stdout
        subprocess.run([*ruff, "format", "-q", "."], cwd=service, check=True)
        assert (own / source).read_text().endswith("\nimport os\n")


def test_run_again_it_refreshes_what_has_changed(own: Path, service: Path) -> None:
    frame = own / f"template/{RENDERED}.jinja"
    frame.write_text(frame.read_text().replace('"""', '"""New. ', 1))
    (own / SOURCES[BASE]).rename(own / "template/app/common/moved.py")

    assert edit(own, {**ANSWERS, "database": "none"}, service) == []

    assert (service / RENDERED).read_text().startswith('"""New. ')
    assert (service / "app/common/moved.py").is_symlink()
    assert not (service / BASE).is_symlink()
    assert not (service / "migrations").exists()


def test_it_keeps_and_names_what_a_person_has_added_or_changed(own: Path, service: Path) -> None:
    edits = {"app/features/order/routers.py": "mine", RENDERED: "changed", BASE: "saved anew"}
    for path, text in edits.items():
        (service / path).parent.mkdir(exist_ok=True)
        (service / path).unlink(missing_ok=True)
        (service / path).write_text(text)

    for answers in (ANSWERS, {"preset": "minimal"}, ANSWERS):
        said = "\n".join(edit(own, answers, service))

        assert "app/features/order/routers.py is yours: move it to template/app/f" in said
        assert f"{RENDERED} has changed: make the change in template/{RENDERED}.jinja." in said
        assert f"{BASE} is no link any more: move it to {SOURCES[BASE]}." in said
        assert {path: (service / path).read_text() for path in edits} == edits
    assert said.count("\n") == 2

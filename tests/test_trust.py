"""The template runs no code on the machine of the person who renders it."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.rendering import git, run_copier

pytestmark = pytest.mark.render

NEEDS_TRUST = 4


def test_nobody_has_to_trust_the_template(repository: Path, tmp_path: Path) -> None:
    done = run_copier("copy", "--defaults", repository, "service", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    service = tmp_path / "service"
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Scaffold")
    done = run_copier("update", "--defaults", folder=service)
    assert done.returncode == 0, done.stderr


def test_copier_would_notice_if_the_template_needed_trust(template: Path, tmp_path: Path) -> None:
    unsafe = tmp_path / "template"
    shutil.copytree(template, unsafe)
    with (unsafe / "copier.yml").open("a") as config:
        config.write("\n_tasks: ['true']\n")
    done = run_copier("copy", "--defaults", unsafe, "service", folder=tmp_path)
    assert done.returncode == NEEDS_TRUST


def test_no_setting_that_runs_code_is_used(template: Path) -> None:
    config = yaml.safe_load((template / "copier.yml").read_text())
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & config.keys()

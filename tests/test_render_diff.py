"""Services are compared as git compares trees, by their answers or by the template's version."""

import subprocess
from pathlib import Path

import pytest

from extensions.commands.__main__ import FINE, WRONG_USE, main
from extensions.proof.rendering import files, render
from tests.rendering import differing, git

RANDOM = (".copier-answers.yml", ".env.development")
Capture = pytest.CaptureFixture[str]


def compared(capsys: Capture, *arguments: str) -> str:
    assert main(["diff", *arguments]) == FINE
    return capsys.readouterr().out


def test_the_difference_of_two_answers_turns_one_service_into_the_other(
    template: Path, tmp_path: Path, capsys: Capture
) -> None:
    git(tmp_path, "init", "--quiet")
    service = render(template, tmp_path / "service", {"preset": "minimal"})
    wanted = render(template, tmp_path / "wanted", {"preset": "full", "ci": "none"})
    patch = compared(capsys, "preset=minimal", "preset=full,ci=none")
    command = ["git", "apply", "--directory=service", "-"]
    subprocess.run(command, cwd=tmp_path, input=patch, text=True, check=True)
    for folder in (service, wanted):
        for name in RANDOM:
            (folder / name).unlink()
    assert differing(files(service), files(wanted)) == set()


def test_the_same_answers_differ_in_nothing(capsys: Capture) -> None:
    assert compared(capsys, "storage=s3", "preset=standard") == ""


def test_common_answers_hold_on_both_sides(capsys: Capture) -> None:
    said = compared(capsys, "storage=none", "storage=s3", "-d", "docker=false", "--stat")
    assert " app/common/oss.py " in said
    assert "compose.yaml" not in said
    assert "diff --git" not in said


def test_two_versions_are_compared(repository: Path, tmp_path: Path, capsys: Capture) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "releases")
    releases = tmp_path / "releases"
    git(releases, "tag", "v1.0.0")
    with (releases / "template/app/server.py").open("a") as file:
        file.write("# newer\n")
    git(releases, "commit", "--quiet", "--all", "--message", "Newer")
    said = compared(capsys, "v1.0.0", "HEAD", "--template", str(releases))
    assert said.startswith("diff --git a/app/server.py b/app/server.py\n")
    assert "+# newer\n" in said
    assert said.count("diff --git") == 1


def test_a_recorded_release_needs_no_tag(capsys: Capture) -> None:
    assert compared(capsys, "v0.1.0", "v0.1.0") == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["storage=none", "v0.1.0"], "Compare two sets of answers, as storage=none, or two ver"),
        (["storage=none", "stora=s3"], "There is no question 'stora'; the nearest is storage."),
        (["v0.1.0", "v0.0.7"], "has no version v0.0.7; `git tag` lists some."),
        (["v1", "v2", "--template", "{folder}"], "is not a git repository, so it has no versions."),
    ],
)
def test_wrong_use_is_refused_in_a_sentence(
    arguments: list[str], reason: str, tmp_path: Path, capsys: Capture
) -> None:
    given = [argument.format(folder=tmp_path) for argument in arguments]
    assert main(["diff", *given]) == WRONG_USE
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1

"""From each release to the next one: what a person did stays, and all else is as if new."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from extensions.commands.catalogue import Answers, everything_off
from extensions.commands.releases import recorded
from extensions.proof.rendering import files, render
from tests.history import NEWEST, NEXT
from tests.next_release import LINES, NEW_QUESTION
from tests.person import DELETED, commit, follow_the_changelog, scaffold, update, work
from tests.rendering import ROOT, differing

pytestmark = pytest.mark.update

RELEASES = recorded(ROOT)
STEPS = [*((release.tag, NEWEST) for release in RELEASES), (NEWEST, NEXT)]
BASES: dict[str, Answers] = {
    **{preset: {"preset": preset} for preset in ("standard", "minimal", "full")},
    "all-off": everything_off(ROOT),
}
# A person's own from the first day: `_skip_if_exists`, and what `_exclude` names on updates.
WRITTEN_ONCE = {".env.development", "migrations/versions/0001_initial.py", "uv.lock"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("older", "newer"), STEPS, ids=[" to ".join(step) for step in STEPS])
@pytest.mark.parametrize("base", BASES)
def test_a_persons_work_stays_and_the_rest_is_as_if_it_were_new(
    base: str,
    older: str,
    newer: str,
    next_release: Path,
    full_environment: Path,
    tmp_path: Path,
    proof: Callable[..., None],
) -> None:
    service = scaffold(next_release, tmp_path, BASES[base], "--vcs-ref", older)
    kept = work(service)
    commit(service, "Our own work")
    before, answered = files(service), answers(service)

    update(service, "--vcs-ref", newer)

    after, answers_now = files(service), answers(service)
    assert {name: answers_now[name] for name in answered} == answered
    later = {answers_now[name] for name in answers_now.keys() - answered.keys()}
    assert later <= {"none", False}, "an update brings no part that nobody asked for"
    fresh = files(render(next_release, tmp_path / "fresh", answers_now, ref=newer))
    assert DELETED not in after
    assert {name: before[name] for name in WRITTEN_ONCE & before.keys()} == {
        name: after[name] for name in WRITTEN_ONCE & after.keys()
    }
    del fresh[DELETED]
    for name in WRITTEN_ONCE & fresh.keys():
        fresh[name] = after[name]
    for name, lines in kept.items():
        expected = Counter(fresh.get(name, b"").decode().splitlines()) + Counter(lines)
        assert Counter(after[name].decode().splitlines()) == expected, name
        fresh[name] = after[name]
    assert differing(after, fresh) == set()

    if newer == NEWEST:
        follow_the_changelog(service, older.removeprefix("v"))
    check(full_environment, service, "ruff", "check", "--fix")
    check(full_environment, service, "ruff", "format")
    check(full_environment, service, "mypy", f"--cache-dir={full_environment.parent / 'mypy'}")
    mended = differing(files(service), after)
    assert {name for name in mended if "/features/order/" not in name and ".py" in name} == set()
    proof("update", updates=1, releases=[older], services=[base])


@pytest.mark.parametrize("given", ["project_slug=my-service", "project_name=Ours", "preset=full"])
def test_an_answer_that_is_given_again_brings_no_part_that_is_new(
    given: str, next_release: Path, tmp_path: Path
) -> None:
    service = scaffold(next_release, tmp_path, {"preset": "full"}, "--vcs-ref", NEWEST)

    update(service, "--data", given)

    assert answers(service)[NEW_QUESTION] == "none"


def answers(service: Path) -> Answers:
    found = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return {name: answer for name, answer in found.items() if not name.startswith("_")}


def check(environment: Path, service: Path, *command: str) -> str:
    """Run `command` of the environment in the service's folder; fail with what it said."""
    done = subprocess.run(
        [environment / ".venv/bin" / command[0], *command[1:]],
        cwd=service,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_updates_in_a_row_come_to_what_one_does(next_release: Path, tmp_path: Path) -> None:
    service = scaffold(next_release, tmp_path, {}, "--vcs-ref", RELEASES[0].tag)
    work(service)
    commit(service, "Our own work")
    in_one = shutil.copytree(service, tmp_path / "in one")

    update(service, "--vcs-ref", NEWEST)
    commit(service, "Update")
    update(service)
    update(in_one)

    assert differing(files(service), files(in_one)) == set()
    assert LINES["README.md"][1] in (service / "README.md").read_text()

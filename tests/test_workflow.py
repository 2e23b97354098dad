"""The repository's own workflows run what exists, with few rights, and let nothing slip through."""

import os
import re
import shutil
import subprocess
import tomllib
from operator import attrgetter
from pathlib import Path
from typing import Any

import nox.registry
import pytest
import yaml

import noxfile
from extensions.proof.certificate import COUNTED
from extensions.proof.covering import share
from tests.rendering import ROOT

GATE = "all-green"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GATED = [path for path in WORKFLOWS if f"  {GATE}:" in path.read_text(encoding="utf-8")]

USES = re.compile(r"uses: (?P<action>\S+?)@(?P<version>\S+)(?P<comment>.*)")
SESSION = re.compile(r"nox -s ([a-z_]+)")
stem = attrgetter("stem")


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workflow."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def sessions(path: Path) -> set[str]:
    """Return the sessions that a workflow runs."""
    return set(SESSION.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", WORKFLOWS, ids=stem)
def test_every_session_that_a_job_runs_exists(path: Path) -> None:
    assert sessions(path)
    assert sessions(path) <= nox.registry.get().keys()


def test_a_change_runs_a_sample_and_a_night_all_of_it() -> None:
    assert sessions(ROOT / ".github/workflows/ci.yml") == {"lint", "tests", "run", "docs"}
    assert sessions(ROOT / ".github/workflows/nightly.yml") >= {"proof", "run", "locks", "audit"}


def test_the_shards_of_the_proof_are_all_of_it() -> None:
    matrix = jobs(ROOT / ".github/workflows/nightly.yml")["proof"]["strategy"]["matrix"]
    tiers = [*noxfile.TIERS, noxfile.OTHERS, *noxfile.ALONE]
    dealt = [tier for name in matrix["shard"] for tier in share(tiers, name)]
    assert sorted(dealt) == sorted(tiers)
    assert {*COUNTED, "run"} < {*tiers}


def test_every_test_belongs_to_one_tier() -> None:
    """What is marked for no tier runs with the others."""
    marked = {name.partition(":")[0] for name in _markers()} - {"sampled(count, always=())", "docs"}
    assert marked == {*noxfile.TIERS, *noxfile.ALONE}


def _markers() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = project["tool"]["pytest"]["ini_options"]["markers"]
    return found


@pytest.mark.parametrize("path", GATED, ids=stem)
def test_every_job_is_needed_by_the_gate(path: Path) -> None:
    gate = jobs(path)[GATE]
    assert set(gate["needs"]) == jobs(path).keys() - {GATE}
    assert gate["if"] == "always()"  # else it is skipped, which counts as passed


@pytest.mark.parametrize("path", GATED, ids=stem)
@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "success"])
def test_the_gate_opens_only_if_every_job_has_passed(path: Path, result: str) -> None:
    if shutil.which("jq") is None or shutil.which("bash") is None:
        pytest.skip("jq and bash are not installed here; GitHub's machines have them.")
    (step,) = jobs(path)[GATE]["steps"]
    results = f'{{"lint": {{"result": "success"}}, "run": {{"result": "{result}"}}}}'
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        check=False,
        env={**os.environ, "RESULTS": results},
        capture_output=True,
        text=True,
    )
    assert f"run: {result}" in done.stdout
    assert (done.returncode == 0) == (result == "success"), done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=stem)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    found = list(USES.finditer(path.read_text(encoding="utf-8")))
    assert found
    for use in found:
        assert re.fullmatch(r"[0-9a-f]{40}", use["version"]), use.group()
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", use["comment"]), use.group()


def test_an_action_has_one_version_everywhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    versions: dict[str, set[tuple[str, str]]] = {}
    for use in USES.finditer(text):
        versions.setdefault(use["action"], set()).add((use["version"], use["comment"]))
    assert {action: found for action, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=stem)
def test_no_job_has_a_right_that_it_was_not_given_or_runs_without_end(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        if "uses" not in job:  # a whole workflow, whose jobs have limits of their own
            assert job["timeout-minutes"] <= 90, name
        rights = job.get("permissions", {})
        if name == "deploy":
            assert rights == {"pages": "write", "id-token": "write"}
        else:
            assert rights in ({}, {"contents": "read"}), name


def test_the_site_is_published_by_a_release_alone() -> None:
    path = ROOT / ".github/workflows/docs.yml"
    # YAML reads `on` as true.
    assert yaml.safe_load(path.read_text(encoding="utf-8"))[True] == {
        "release": {"types": ["published"]},
    }
    others = [other for other in WORKFLOWS if other != path]
    assert not any("deploy-pages" in other.read_text(encoding="utf-8") for other in others)


def test_the_certificate_waits_for_every_job_that_gives_a_proof() -> None:
    found = jobs(ROOT / ".github/workflows/nightly.yml")
    giving = {name for name, job in found.items() if "proof-" in _uploaded(job)}
    assert giving == {"proof", "run"}
    assert set(found["certificate"]["needs"]) == giving


def _uploaded(job: dict[str, Any]) -> str:
    """Return the names of the artifacts that a job leaves."""
    uses = [step for step in job["steps"] if "upload-artifact@" in step.get("uses", "")]
    return " ".join(step["with"]["name"] for step in uses)

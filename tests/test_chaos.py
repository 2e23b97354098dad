"""A service under load while what it stands on fails: tests/chaos, run inside of a full service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from extensions.proof.rendering import render
from tests.rendering import ROOT
from tests.services import Service

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill with"),
]

RUN = ("uv", "run", "--no-sync")
HERE = ROOT / "tests/chaos"
FILES = sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))


@pytest.fixture(scope="module")
def service(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Return a full service with the tier's tests and tasks."""
    folder = tmp_path_factory.mktemp("chaos") / "service"
    render(template, folder, {"preset": "full"})
    # In CI, a server that is missing is a failure.
    service = Service(folder, {**os.environ, "CI": "true"})
    service.run("uv", "sync", "--quiet")
    service.run("uv", "pip", "install", "--quiet", "time-machine==3.6.0")  # shifts clocks
    shutil.copytree(HERE, folder / "tests/chaos")
    shutil.move(folder / "tests/chaos/feature", folder / "app/features/chaos")
    return service


def test_the_tier_itself_is_formatted_linted_and_typed(service: Service) -> None:
    files = ("tests/chaos", "app/features/chaos")
    service.run(*RUN, "ruff", "format", "--check", *files)
    service.run(*RUN, "ruff", "check", *files)
    service.run(*RUN, "mypy", *files)


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, service: Service) -> dict[str, list[Element]]:
    """Return what each test said, by file: all that were asked for run at once, on one start."""
    tests = (item for item in request.session.items if isinstance(item, pytest.Function))
    names = [str(test.callspec.params["name"]) for test in tests if "outcomes" in test.fixturenames]
    files = [f"tests/chaos/test_{name}.py" for name in names]
    report = service.folder / "report.xml"
    done = subprocess.run(
        [*RUN, "pytest", "-q", f"--junit-xml={report}", *files],
        cwd=service.folder,
        check=False,
        env=service.environment,
    )
    assert report.exists(), f"pytest ended with {done.returncode}"
    found: dict[str, list[Element]] = {name: [] for name in names}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (pytest wrote it)
        found[case.attrib["classname"].rpartition(".test_")[2]].append(case)
    return found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FILES)
def test_it_loses_nothing_and_recovers(outcomes: dict[str, list[Element]], name: str) -> None:
    assert outcomes[name], "no test has run"
    skipped = [each.attrib["message"] for case in outcomes[name] for each in case.iter("skipped")]
    if skipped and not os.environ.get("CI"):
        pytest.skip(" ".join(skipped))
    said = [f"{case.attrib['name']}\n{each.text}" for case in outcomes[name] for each in case]
    assert not said, "\n\n".join(said)

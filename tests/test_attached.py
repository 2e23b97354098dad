"""Whatever a service has is reached by its own tests: a mechanism that nothing attaches fails.

The tests of a preset run while tests/attached/recorder.py notes which functions of app/ run, and
tests/attached/mechanisms.py says which of them belong to a middleware, a dependency, a command …
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from extensions.commands.catalogue import CUSTOM, presets
from extensions.proof.rendering import render
from tests.rendering import ROOT
from tests.services import Service

pytestmark = pytest.mark.attached

HERE = ROOT / "tests/attached"
# Tests that a person does not get, but that run in the full service.
MACHINERY = ROOT / "tests/machinery"
RECORDER = "attached_recorder"
# A service without a database reads it nowhere; a resource of the person's own may.
FOR_OWN_RESOURCES = {
    "setting STARTUP_TIMEOUT: nothing reads it",
    "limit STARTUP_TIMEOUT: no test sets it low",
}


@dataclass(frozen=True, slots=True)
class Observed:
    """A service whose tests have run.

    Attributes:
        service: the service itself.
        ran: every function of app/ that ran, by its place.
    """

    service: Service
    ran: frozenset[str]

    def unattached(self, folder: Path) -> set[str]:
        """Return what of the service in `folder` is not reached or not attached."""
        python = self.service.folder / ".venv/bin/python"
        done = subprocess.run(
            [python, HERE / "mechanisms.py"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert {each["name"].split()[0] for each in said["mechanisms"]} >= {"middleware", "command"}
        return {
            *said["faults"],
            *(
                f"{each['name']}: no test reaches it"
                for each in said["mechanisms"]
                if not self.ran & set(each["places"])
            ),
        }


@pytest.fixture(scope="module", params=[name for name in presets(ROOT) if name != CUSTOM], ids=str)
def observed(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Observed:
    """Return the service of a preset, after its tests have run under the recorder."""
    preset: str = request.param
    folder = tmp_path_factory.mktemp(preset) / "service"
    render(template, folder, {"preset": preset})
    service = Service(folder, {**os.environ, "CI": "true"})  # a server that is missing is a failure
    service.run("uv", "sync", "--quiet", "--locked")
    if preset == "full" and MACHINERY.is_dir():
        shutil.copytree(MACHINERY, folder / "tests/machinery")
    look = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(service.run("uv", "run", "python", "-c", look).strip())
    shutil.copy(HERE / "recorder.py", packages / f"{RECORDER}.py")
    (packages / f"{RECORDER}.root").write_text(str(folder), encoding="utf-8")
    (packages / f"{RECORDER}.pth").write_text(f"import {RECORDER}\n", encoding="utf-8")
    service.run("uv", "run", "--no-sync", "pytest", "-q")
    (packages / f"{RECORDER}.pth").unlink()
    ran = (packages / f"{RECORDER}.txt").read_text(encoding="utf-8")
    return Observed(service, frozenset(ran.splitlines()))


@pytest.mark.sampled(0, always=("full",))
def test_the_tests_of_a_service_reach_all_that_it_has(observed: Observed) -> None:
    folder = observed.service.folder
    found = observed.unattached(folder)
    if not (folder / "app/core/database.py").exists():
        found -= FOR_OWN_RESOURCES
    assert found == set()


PLANTED = {
    "app/common/planted.py": """
from typing import Annotated

from fastapi import Depends
from starlette.types import ASGIApp, Receive, Scope, Send


class PlantedMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def planted() -> int:
    return 1


PlantedDep = Annotated[int, Depends(planted)]
""",
    "app/core/settings/core.py": """
    PLANTED: int = 1
    PLANTED_TIMEOUT: float = 60
""",
    "app/cli.py": '''

@cli.command()
def planted() -> None:
    """Do nothing."""
''',
    "app/background.py": """

async def planted(_: NatsConnection, stop: asyncio.Event) -> None:
    await stop.wait()


BACKGROUND = (*BACKGROUND, planted)
""",
    "app/resources.py": """

async def planted(_: object) -> str:
    return ""


RESOURCES = (*RESOURCES, Resource("planted", DATABASE.open, planted))
""",
    "app/inspections.py": """

async def planted(_: object) -> str:
    return ""


INSPECTIONS["planted"] = Inspection(DATABASE_INSPECTION.open, DATABASE_INSPECTION.look, (planted,))
""",
    ".env.example": "# PLANTED_TIMEOUT=60\n",
}


@pytest.mark.sampled(0, always=("full",))
def test_what_nothing_attaches_is_found(observed: Observed, tmp_path: Path) -> None:
    if observed.service.answers["preset"] != "full":
        pytest.skip("in the full service alone: only that has all kinds of mechanisms")
    folder = tmp_path / "service"
    ignore = shutil.ignore_patterns(".venv", ".devstack", "__pycache__", ".*_cache")
    shutil.copytree(observed.service.folder, folder, ignore=ignore)
    for name, text in PLANTED.items():
        path = folder / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if name.startswith("app/core/settings"):  # into the class
            before, mark, after = before.partition("\n    API_HOST:")
            path.write_text(f"{before}{text}{mark}{after}", encoding="utf-8")
        else:
            path.write_text(before + text, encoding="utf-8")
    assert observed.unattached(folder) - observed.unattached(observed.service.folder) == {
        "command planted: no test reaches it",
        "dependency PlantedDep: no route has it",
        "dependency PlantedDep: no test reaches it",
        "inspection planted.planted: no test reaches it",
        "job planted: no test reaches it",
        "limit PLANTED_TIMEOUT: no test sets it low",
        "middleware PlantedMiddleware: no application has it",
        "middleware PlantedMiddleware: no test reaches it",
        "resource planted.check: no test reaches it",
        "setting PLANTED: .env.example does not have it",
        "setting PLANTED: nothing reads it",
        "setting PLANTED_TIMEOUT: nothing reads it",
    }

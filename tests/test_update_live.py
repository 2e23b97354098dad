"""A service that is in use is updated: its own tests pass, and its rows stay, migrated."""

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from extensions.commands.releases import recorded
from tests.history import edit, publish
from tests.next_release import NEW_PACKAGE, RENAMED_SETTING
from tests.person import OWN_FOLDERS, commit, follow_the_changelog, scaffold, update, work
from tests.rendering import ROOT, git
from tests.services import PATIENCE, Service, free_port, get, serving

pytestmark = [pytest.mark.update, pytest.mark.sampled(1)]

RELEASE = recorded(ROOT)[-1]
LATER = "v9999.2.0"
OPERATION = re.compile(r"^    (?:with )?op\.(\w+)\(", re.MULTILINE)
MODELS = "{{ in_example_with_database }}/app/features/example/models.py"
ADD_A_COLUMN = (
    "    version: Mapped[int] = mapped_column(default=1)\n",
    '    origin: Mapped[str] = mapped_column(String(20), server_default="typed")\n',
)
ORIGINS = """
import asyncio, asyncpg
from app.core.config import get_settings

async def main():
    connection = await asyncpg.connect(get_settings().database_url_sync)
    print([row["origin"] for row in await connection.fetch("select origin from examples")])

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class InUse(Service):
    """A service with rows in its database, and a port for its API."""

    port: int

    def serving(self) -> AbstractContextManager[None]:
        """Run the whole stack."""
        command = ["uv", "run", "dev", "--port", str(self.port)]
        return serving(command, self.folder, self.environment, self.port)


@pytest.fixture(scope="module", params=["standard", "full"])
def service(
    request: pytest.FixtureRequest,
    next_release: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> InUse:
    """Return a service of the newest release, with a person's work on it, updated to the next."""
    folder = tmp_path_factory.mktemp(request.param)
    git(folder, "clone", "--quiet", str(next_release), "releases")
    answers = {"preset": request.param}
    scaffolded = scaffold(folder / "releases", folder, answers, "--vcs-ref", RELEASE.tag)
    service = InUse(scaffolded, {**os.environ, "CI": "true"}, free_port())
    work(service.folder)
    edit(service.folder / ".env.development", lambda text: f"{text}{RENAMED_SETTING[0]}=3\n")
    service.run("uv", "sync", "--quiet")
    with service.serving():
        service.run("uv", "run", "alembic", "revision", "--autogenerate", "-m", "Ours")
        service.run("uv", "run", "my-service", "migrate")
        for feature in ("example", "order"):
            add(service, feature, name=f"An {feature} from before")
    service.run("uv", "run", "ruff", "format", "--quiet")
    commit(service.folder, "Our own work")

    update(service.folder)
    service.run("uv", "sync", "--quiet")
    follow_the_changelog(service.folder, RELEASE.version)
    service.run("uv", "run", "ruff", "check", "--quiet", "--fix", *OWN_FOLDERS)
    commit(service.folder, "Update")
    return service


def add(service: InUse, feature: str, *, name: str) -> None:
    """Add a row through the API, as soon as that has started anew for what was changed last."""
    headers = {"Content-Type": "application/json"}
    if service.answers["auth"] == "jwt":
        token = service.run("uv", "run", "my-service", "token", "me").split()[-1]
        headers["Authorization"] = f"Bearer {token}"
    address = f"http://127.0.0.1:{service.port}/api/v1/{feature}s"
    row = json.dumps({"name": name}).encode()
    request = urllib.request.Request(address, row, headers)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310 (our own address)
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def rows(service: InUse, feature: str) -> list[str]:
    status, body = get(service.port, f"/api/v1/{feature}s")
    assert status == 200, body
    return [row["name"] for row in json.loads(body)["data"]["items"]]


def test_its_own_tests_pass_after_the_update(service: InUse, proof: Callable[..., None]) -> None:
    said = service.run("uv", "run", "pytest", "-q")
    assert "tests/features/order" in service.run("uv", "run", "pytest", "-q", "--collect-only")
    passed = re.search(r"(\d+) passed", said)
    assert passed
    assert not re.search(r"\d+ skipped", said), said
    proof("update", tests=int(passed[1]))


def test_a_setting_of_another_name_now_is_read_by_its_old_one(service: InUse) -> None:
    needed = ("DB_USER=somebody", "S3_REGION=somewhere")  # which `uv run dev` sets
    said = service.run("env", *needed, "uv", "run", "my-service", "settings")
    assert re.search(rf"{RENAMED_SETTING[1]}\W+3\b", said), said


def test_what_is_needed_since_is_installed(service: InUse) -> None:
    service.run("uv", "lock", "--check")
    service.run("uv", "run", "--no-sync", "python", "-c", f"import {NEW_PACKAGE}")


def test_the_rows_of_before_are_there_after_the_update(service: InUse) -> None:
    with service.serving():
        migrate_if_due(service)
        assert rows(service, "example") == ["An example from before"]
        assert rows(service, "order") == ["An order from before"]


def migrate_if_due(service: InUse) -> None:
    """Do what README.md says of updates that change the models."""
    said = service.run("bash", "-c", "uv run my-service migrate --check || true")
    if "The schema matches the models" not in said:
        service.run("uv", "run", "alembic", "revision", "--autogenerate", "-m", "After the update")
        service.run("uv", "run", "my-service", "migrate")
    service.run("uv", "run", "my-service", "migrate", "--check")


def test_a_column_of_the_next_release_comes_to_the_rows_that_are_there(
    service: InUse,
    proof: Callable[..., None],
) -> None:
    before, added = ADD_A_COLUMN
    publish(
        service.folder.parent / "releases",
        {MODELS: lambda text: text.replace(before, before + added, 1)},
        tag=LATER,
    )
    update(service.folder)
    assert added in (service.folder / "app/features/example/models.py").read_text()
    known = set((service.folder / "migrations/versions").glob("*.py"))
    with service.serving():
        service.run("uv", "run", "alembic", "revision", "--autogenerate", "-m", "A column")
        (revision,) = set((service.folder / "migrations/versions").glob("*.py")) - known
        upgrade, downgrade = revision.read_text().split("def downgrade")
        assert OPERATION.findall(upgrade) == ["add_column"], upgrade
        assert '"origin"' in upgrade
        assert OPERATION.findall(downgrade) == ["drop_column"], downgrade
        service.run("uv", "run", "my-service", "migrate")
        service.run("uv", "run", "my-service", "migrate", "--check")
        assert service.run("uv", "run", "python", "-c", ORIGINS).split("\n")[-2] == "['typed']"
    proof("update", migrated_rows=1)

"""What docs/commands.md shows is what the commands say."""

import re
from pathlib import Path

import copier
import pytest

from extensions.commands.__main__ import main
from tests.history import edit
from tests.rendering import ROOT, git

pytestmark = pytest.mark.docs

PAGE = ROOT / "docs/commands.md"
EXAMPLES = re.findall(
    r"^```console\n\$ fastapi-service-template (.+)\n((?:.*\n)*?)```$", PAGE.read_text(), re.M
)


@pytest.fixture(scope="module")
def service(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the service of the page: tokens, and an edit of how they are made."""
    folder = tmp_path_factory.mktemp("page")
    git(folder, "clone", "--quiet", str(repository), "template")
    git(folder / "template", "tag", "v1.0.0")
    service = folder / "service"
    answers = {"auth": "jwt"}
    copier.run_copy(str(folder / "template"), service, data=answers, defaults=True, quiet=True)
    git(service, "init", "--quiet")
    edit(service / "app/common/security.py", lambda text: f"{text}\n\nLEEWAY = 30  # seconds\n")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Our own")
    return service


def test_the_page_has_an_example_of_each_command() -> None:
    assert [command.split()[0] for command, _ in EXAMPLES] == ["plan-update", "explain", "diff"]


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_the_page_shows_what_a_command_says(
    command: str,
    shown: str,
    service: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(service)
    main(command.split())
    said = capsys.readouterr().out
    assert said.rstrip() == shown.rstrip(), f"docs/commands.md must show:\n{said}"

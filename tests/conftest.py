"""What every tier uses: git and Copier kept apart from the person's own, and the template."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from extensions.proof.combinations import combinations
from extensions.proof.covering import share
from extensions.proof.rendering import compiled_once, render
from tests.history import write_history
from tests.identities import awkward_identities
from tests.matrix import Matrix, render_matrix
from tests.next_release import publish_next
from tests.progress import Progress
from tests.proof import WholeTiers, is_whole_tier
from tests.proof import proof as add_to_proof
from tests.rendering import ROOT, git
from tests.rows import add_options
from tests.sampling import add_option, select

ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main",
    "GIT_CONFIG_KEY_1": "maintenance.auto",  # it goes on in .git after the command has ended
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.com",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.com",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)
    add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Who was started in the background ignores Ctrl-C, and so would all that the tests start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # this is not a process that another one has started
        config.pluginmanager.register(Progress(config))
        if is_whole_tier(config):
            config.pluginmanager.register(WholeTiers(config.option.markexpr))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what looks at no service where a person has asked for certain ones.

    Leave out what is not in the sample, too, where one was asked for.
    """
    select(config, items)
    if config.option.row:
        others = [item for item in items if "service" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session", autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    own = tmp_path_factory.mktemp("isolated")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ISOLATED.items():
            patch.setenv(name, value)
        settings = own / "settings.yml"
        settings.write_text("{}\n")  # Copier warns where there is none
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        patch.setenv("COPIER_CACHE_DIR", str(own / "cache"))
        # `uv run` of a service must not take the environment of the generator for its own.
        patch.delenv("VIRTUAL_ENV", raising=False)
        # Without bytecode, each of the many programs that start takes seconds longer.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        # Services' tests clean up after earlier ones: elsewhere than these, which run at once.
        patch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.mktemp("services")))
        with compiled_once():
            yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, _isolated: None) -> Path:
    """Return a copy of the template as it stands in the work tree, without git.

    Copier renders a plain folder as it is; of a repository with changes it makes a clone each time.
    """
    copy = tmp_path_factory.mktemp("template") / "template"
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # and not deleted since
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="session")
def repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository of the template with one commit and no tag; clone it to change it."""
    repository = tmp_path_factory.mktemp("repository") / "template"
    shutil.copytree(template, repository)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "The template")
    return repository


@pytest.fixture(scope="session")
def history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of every release and the template; clone it to publish another."""
    return write_history(template, tmp_path_factory.mktemp("history") / "releases")


@pytest.fixture(scope="session")
def next_release(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of `history` that has one more release, which nobody has made."""
    folder = tmp_path_factory.mktemp("next")
    git(folder, "clone", "--quiet", str(history), "releases")
    return publish_next(folder / "releases")


@pytest.fixture(scope="session")
def whole_matrix(template: Path) -> Matrix:
    """Return what every combination of the structural answers renders to."""
    return render_matrix(template, list(combinations(template)))


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest, template: Path) -> Matrix:
    """Return what the combinations render to of which this is the shard."""
    name = request.config.option.shard
    if not name:
        whole: Matrix = request.getfixturevalue("whole_matrix")
        return whole
    services = list(combinations(template))
    random.Random(0).shuffle(services)  # noqa: S311 (so that each share has something of all)
    return render_matrix(template, share(services, name))


@pytest.fixture(scope="session")
def identities(template: Path) -> Matrix:
    """Return services of awkward names, of each license and of each lowest Python."""
    return render_matrix(template, awkward_identities(template))


@pytest.fixture(scope="session", params=["matrix", "identities"])
def every_service(request: pytest.FixtureRequest) -> Matrix:
    """Return the services of the matrix, then those of awkward names."""
    services: Matrix = request.getfixturevalue(request.param)
    return services


@pytest.fixture(scope="session")
def full_environment(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a full service with everything installed that any service can have."""
    service = render(template, tmp_path_factory.mktemp("full") / "service", {"preset": "full"})
    subprocess.run(["uv", "sync", "--quiet", "--locked"], cwd=service, check=True)
    return service


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of the versions in our own lock, for what installs us without it.

    With others, these tests would fail on the day on which somebody publishes one.
    """
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    options = ("--quiet", "--frozen", "--no-emit-project", "--no-hashes")
    command = ["uv", "export", *options, "--output-file", str(path)]
    subprocess.run(command, cwd=ROOT, check=True)
    return path


@pytest.fixture(scope="session")
def proof() -> Callable[..., None]:
    """Return what keeps a tier's figures for the certificate: `proof("render", combinations=256)`.

    Call it last in a test: what has not passed has proved nothing.
    """
    return add_to_proof

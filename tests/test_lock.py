"""A service's lock is the one that uv would write for it: nothing has to fit it first."""

import random
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jinja2
import pytest
from packaging.requirements import Requirement

from extensions.commands.catalogue import CUSTOM, Answers
from extensions.commands.rendering import rendered
from extensions.proof.combinations import array, combinations
from extensions.proof.lock import (
    LOCK,
    LockError,
    Union,
    from_template,
    interpreter,
    pythons,
    union,
    uv_lock,
)
from extensions.proof.lock import write as write_lock
from tests.matrix import Matrix, render_matrix
from tests.rendering import ROOT, git

OTHERS = 16  # that many combinations of a commit's own choice, beside those of the array

# Two parts that never stand together: of one package they need different extras and versions, and
# what one of them needs depends on the version of Python.
TEMPLATE = {
    "copier.yml": """\
_subdirectory: template
_envops: { keep_trailing_newline: true, lstrip_blocks: true, trim_blocks: true }
preset: { type: str, choices: [standard, custom], default: standard }
project_slug: { type: str, default: my-service }
python_version: { type: str, choices: ["3.11", "3.14"], default: "3.11" }
part: { type: str, choices: [none, one, other], default: one, ask: "{{ preset == 'custom' }}" }
""",
    "template/pyproject.toml.jinja": """\
[project]
name = "{{ project_slug }}"
version = "0.1.0"
requires-python = ">={{ python_version }}"
dependencies = [
{% if part == 'one' %}
    "anyio[trio]>=4",
{% elif part == 'other' %}
    "Typing_Extensions>=4; python_version < '3.14'",
    "anyio>=4.5,<5",
{% endif %}
    "idna>=3",
    "packaging>=24",
]

[dependency-groups]
dev = [
    "iniconfig>=2",
    "pluggy>=1",
]

[build-system]
requires = ["uv_build>=0.13,<0.14"]
build-backend = "uv_build"
{% if part != 'none' %}

[tool.uv]
constraint-dependencies = [
{% if part == 'other' %}
    "click<9",
{% endif %}
    "sniffio>=1.3",
]
{% endif %}
""",
}


class Uv:
    """What uv says of the locks of services."""

    def __init__(self, folder: Path, template: Path) -> None:
        """Use `folder`; whichever Pythons are installed, those of `template` are found."""
        self._folder = folder
        self._stack = ExitStack()
        self._pythons = {
            version: str(self._stack.enter_context(interpreter(version)))
            for version in pythons(template)
        }

    def close(self) -> None:
        """Take the Pythons away."""
        self._stack.close()

    def refusal(self, project: bytes, lock: bytes) -> str:
        """Return why the lock does not fit: empty if it does, without any network."""
        (self._folder / "pyproject.toml").write_bytes(project)
        (self._folder / "uv.lock").write_bytes(lock)
        text = project.decode()
        version = text.partition('requires-python = ">=')[2].partition('"')[0]
        options = ("--check", "--offline", "--quiet", "--cache-dir", str(self._folder / "cache"))
        command = ["uv", "lock", *options, "--python", self._pythons[version]]
        done = subprocess.run(
            command, cwd=self._folder, check=False, capture_output=True, text=True
        )
        assert (self._folder / "uv.lock").read_bytes() == lock
        return done.stderr if done.returncode else ""


@pytest.fixture
def uv(template: Path, tmp_path: Path) -> Iterator[Uv]:
    asked = Uv(tmp_path, template)
    yield asked
    asked.close()


@pytest.fixture(scope="session")
def of_other_pythons(request: pytest.FixtureRequest, template: Path) -> Matrix:
    """Return services of each other lowest Python: with --strength 3 every one, else a sample.

    The sample is an array, and more that another commit changes.
    """
    services = list(combinations(template))
    if request.config.option.strength < 3:
        tree = git(ROOT, "rev-parse", "HEAD^{tree}")
        chosen = random.Random(tree)  # noqa: S311 (so that CI repeats what was run before)
        sample = chosen.sample(services, min(OTHERS, len(services)))
        services = [*array(template, 2), *sample]
    others = pythons(template)[1:]
    return render_matrix(
        template, [{**service, "python_version": each} for each in others for service in services]
    )


@pytest.mark.render
@pytest.mark.parametrize("kind", ["matrix", "identities", "of_other_pythons"])
def test_uv_takes_the_lock_as_it_is(request: pytest.FixtureRequest, uv: Uv, kind: str) -> None:
    services: Matrix = request.getfixturevalue(kind)
    checked = set()
    for service in services.services:
        pair = service.digests["pyproject.toml"], service.digests["uv.lock"]
        if pair not in checked:
            checked.add(pair)
            project, lock = (services.contents[digest] for digest in pair)
            refusal = uv.refusal(project, lock)
            assert not refusal, f"{service}: {refusal}"
            assert_is_whole(tomllib.loads(project.decode()), tomllib.loads(lock.decode()))
    assert checked


def assert_is_whole(project: dict[str, Any], lock: dict[str, Any]) -> None:
    """Compare what is declared with what is locked: uv takes a lock that lacks a dependency."""
    (own,) = (each for each in lock["package"] if "editable" in each["source"])
    listed = [*own["dependencies"], *own["dev-dependencies"]["dev"]]
    texts = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted = [(each.name, each.extras) for each in map(Requirement, texts)]
    assert [(each["name"], set(each.get("extra", ()))) for each in listed] == wanted

    edges: dict[str, list[dict[str, Any]]] = {}
    for each in lock["package"]:
        edges[each["name"]] = each.get("dependencies", [])
        for extra, brought in each.get("optional-dependencies", {}).items():
            edges[f"{each['name']}[{extra}]"] = brought
    reached: set[str] = set()
    while listed:
        edge = listed.pop()
        nodes = {edge["name"], *(f"{edge['name']}[{extra}]" for extra in edge.get("extra", ()))}
        listed += [further for node in nodes - reached for further in edges[node]]
        reached |= nodes
    assert reached == edges.keys() - {own["name"]}


@pytest.fixture(scope="session")
def everything(template: Path) -> Union:
    return union(template)


@pytest.mark.parametrize("python", ["3.11", "3.15"])
@pytest.mark.parametrize("preset", ["minimal", "standard"])
def test_uv_would_write_the_lock_alike(
    template: Path, everything: Union, tmp_path: Path, preset: str, python: str
) -> None:
    answers: Answers = {"preset": preset, "python_version": python, "project_slug": "zz-top"}
    service = rendered(template, answers).files
    text = (template / LOCK).read_text()
    before = from_template(template, text, everything.project(python), python)
    project = service["pyproject.toml"].decode()
    assert uv_lock(tmp_path, project, python, before) == service["uv.lock"].decode()


def test_what_is_declared_but_not_locked_stops_the_rendering(template: Path) -> None:
    text = (template / LOCK).read_text()
    project = rendered(template).files["pyproject.toml"].decode()
    more = project.replace('    "fastapi>=', '    "no-such-package>=1",\n    "fastapi>=', 1)
    from_template(template, text, project, "3.11")
    with pytest.raises(jinja2.UndefinedError, match="no-such-package>=1"):
        from_template(template, text, more, "3.11")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a template of its own, without a lock."""
    for name, text in TEMPLATE.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "small"


def test_parts_that_never_stand_together_share_a_lock(small: Path, tmp_path: Path) -> None:
    write_lock(small)
    folder = tmp_path / "service"
    folder.mkdir()
    uv = Uv(folder, small)
    for python in pythons(small):
        for part in ("none", "one", "other"):
            answers: Answers = {"preset": CUSTOM, "part": part, "python_version": python}
            service = rendered(small, answers).files
            assert uv.refusal(service["pyproject.toml"], service["uv.lock"]) == ""
            lock = service["uv.lock"].decode()
            assert ('name = "trio"' in lock) == (part == "one")
            assert uv_lock(folder, service["pyproject.toml"].decode(), python, None) == lock
    uv.close()
    before = (small / LOCK).read_text()
    write_lock(small)
    assert (small / LOCK).read_text() == before


def test_what_uv_cannot_resolve_is_said(small: Path) -> None:
    path = small / "template/pyproject.toml.jinja"
    path.write_text(path.read_text().replace("idna>=3", "idna>=3,<3"))
    with pytest.raises(LockError, match="idna"):
        write_lock(small)

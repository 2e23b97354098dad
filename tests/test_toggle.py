"""A part that is switched on or off leaves the service as if it had been made so."""

import contextlib
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import copier
import pytest

from extensions.commands.__main__ import LOST, main
from extensions.commands.catalogue import (
    CUSTOM,
    Answer,
    Answers,
    everything_off,
    parts,
    presets,
    structural,
)
from extensions.proof.rendering import files, render
from tests.history import NEWEST
from tests.person import commit
from tests.plans import section
from tests.processes import side_by_side
from tests.rendering import git
from tests.sampling import sampled

pytestmark = pytest.mark.toggle

# What an update leaves as it was, for it is the person's own from the first day. A fresh service
# has other random texts, a migration of its own tables, and a lock of its own packages.
OWN = (".env.development", "migrations/versions/", "uv.lock")


class Toggle(NamedTuple):
    """One answer of a service that is changed to another.

    Attributes:
        releases: the repository of the template.
        folder: where there is room for services.
        before: the answers of the service, one for each part.
        question: what is answered otherwise.
        answer: the new answer.
    """

    releases: Path
    folder: Path
    before: Answers
    question: str
    answer: Answer

    @property
    def after(self) -> Answers:
        """Return the answers of the service as it should then be."""
        return {"preset": CUSTOM, **self.before, self.question: self.answer}

    def choices(self) -> list[tuple[str, Answer]]:
        """Return which answers it goes between, there and back."""
        return [(self.question, self.before[self.question]), (self.question, self.answer)]

    def __str__(self) -> str:
        parts = ", ".join(f"{name}={answer}" for name, answer in self.before.items())
        return f"{self.question}={self.answer}, where {parts}"


def toggles(releases: Path, folder: Path, bases: dict[str, Answers]) -> Iterator[Toggle]:
    """Yield every other answer to every question about a part, in every base."""
    numbers = itertools.count()
    asked = {question.name: question.choices for question in structural(releases)}
    for base in bases.values():
        before = parts(releases, base)
        for question in before:
            for answer in asked[question]:
                if answer != before[question]:
                    yield Toggle(releases, folder / str(next(numbers)), before, question, answer)


def scaffold(toggle: Toggle, name: str, answers: Answers) -> Path:
    service = toggle.folder / name
    render(toggle.releases, service, {"preset": CUSTOM, **answers}, ref=NEWEST)
    git(service, "init", "--quiet")
    commit(service, "Scaffold")
    return service


def test_a_part_that_is_switched_is_as_if_it_had_been_so_and_back_again(
    request: pytest.FixtureRequest,
    history: Path,
    tmp_path: Path,
    proof: Callable[..., None],
) -> None:
    bases: dict[str, Answers] = {
        **{preset: {"preset": preset} for preset in presets(history) if preset != CUSTOM},
        "all-off": everything_off(history),
    }
    all_of_them = sampled(request.config, [*toggles(history, tmp_path, bases)], Toggle.choices)
    faults = side_by_side(switched, all_of_them)
    assert not any(faults), "\n\n".join(filter(None, faults))
    proof("toggle", toggles=2 * len(all_of_them), services=list(bases))


def switched(toggle: Toggle) -> str:
    """Switch to the new answer, to the same once more, and back; return what is wrong then."""
    service = scaffold(toggle, "service", toggle.before)
    fresh = files(render(toggle.releases, toggle.folder / "fresh", toggle.after, ref=NEWEST))
    first = files(service)
    run_programs(service)

    faults = list(differences(service, {toggle.question: toggle.answer}, fresh))
    commit(service, "Switch it")
    if not faults:
        again = list(differences(service, {toggle.question: toggle.answer}, fresh))
        faults += [f"once more: {fault}" for fault in again]
    back = differences(service, {toggle.question: toggle.before[toggle.question]}, first)
    faults += [f"and back: {fault}" for fault in back]
    return "\n".join([str(toggle), *faults]) if faults else ""


def run_programs(service: Path) -> None:
    """Leave behind what Python does: files that git ignores, in the folder of every module."""
    for module in list(service.rglob("*.py")):
        cache = module.parent / "__pycache__"
        cache.mkdir(exist_ok=True)
        (cache / f"{module.stem}.cpython-311.pyc").touch()


def differences(service: Path, data: Answers, wanted: dict[str, bytes]) -> Iterator[str]:
    """Update with `data`, and yield where the service is not what is `wanted`."""
    before = without_caches(service)
    copier.run_update(service, data=data, defaults=True, overwrite=True, quiet=True)
    expected = {path: text for path, text in wanted.items() if not path.startswith(OWN)}
    expected |= {path: text for path, text in before.items() if path.startswith(OWN)}
    after = without_caches(service)
    yield from (f"{path} is missing" for path in sorted(expected.keys() - after.keys()))
    yield from (f"{path} is left over" for path in sorted(after.keys() - expected.keys()))
    for path in sorted(expected.keys() & after.keys()):
        if after[path] != expected[path]:
            yield f"{path} differs"
    for folder in service.rglob("*"):
        if folder.is_dir() and not any(folder.iterdir()) and ".git" not in folder.parts:
            yield f"{folder.relative_to(service)} is empty"


def without_caches(service: Path) -> dict[str, bytes]:
    return {path: text for path, text in files(service).items() if "__pycache__/" not in path}


def test_an_edit_that_a_switch_would_delete_is_named_beforehand(
    request: pytest.FixtureRequest,
    history: Path,
    tmp_path: Path,
    proof: Callable[..., None],
) -> None:
    all_of_them = [*toggles(history, tmp_path, {"full": {"preset": "full"}})]
    everything = sampled(request.config, all_of_them, at_least=3)
    faults = side_by_side(unnamed, everything)
    assert not any(faults), "\n\n".join(filter(None, faults))
    proof("toggle", plans=len(everything))


def unnamed(toggle: Toggle) -> str:
    """Edit what a switch would delete, and return what `plan-update` does not say of it."""
    service = scaffold(toggle, "service", toggle.before)
    fresh = files(render(toggle.releases, toggle.folder / "fresh", toggle.after, ref=NEWEST))
    goes = [path for path in files(service).keys() - fresh.keys() if not path.startswith(OWN)]
    for path in goes:
        with (service / path).open("a") as file:
            file.write("# our edit\n")
    commit(service, "Our own work")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main(["plan-update", str(service), "-d", f"{toggle.question}={toggle.answer}"])
    lost = section(said.getvalue(), "LOST")
    faults = [path for path in goes if path not in lost]
    if not goes:
        faults.append("nothing would go: is this no part?")
    if code != LOST:
        faults.append(f"the exit code is {code}")
    return "\n".join([str(toggle), *faults]) if faults else ""

"""Every distinct set of Python files passes mypy in its strict mode."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from extensions.commands.catalogue import Answers, questions
from extensions.proof.covering import shard, share
from tests.matrix import Combination, Matrix, render_matrix
from tests.sampling import sampled

pytestmark = pytest.mark.types


def test_every_distinct_set_of_files_is_typed(
    request: pytest.FixtureRequest,
    template: Path,
    whole_matrix: Matrix,
    full_environment: Path,
    tmp_path: Path,
    proof: Callable[..., None],
) -> None:
    """The full service's environment has every dependency; that each set declares its own is
    shown by tests/test_render.py.
    """
    others = render_matrix(template, full_services(template))
    contents = whole_matrix.contents | others.contents
    distinct: dict[frozenset[tuple[str, str]], Combination] = {}
    for service in whole_matrix.services + others.services:
        distinct.setdefault(frozenset(_typed(service).items()), service)
    services = list(distinct.values())
    services = sampled(request.config, services, lambda service: service.answers.items())
    if name := request.config.option.shard:
        services = share(services, name)
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        checks = [
            pool.submit(
                _check,
                shard(services, number, workers),
                contents,
                full_environment,
                tmp_path / str(number),
            )
            for number in range(1, workers + 1)
        ]
        faults = [fault for check in checks for fault in check.result()]
    assert not faults, "\n\n".join(faults)
    proof("types", file_sets=len(services))


def full_services(template: Path) -> list[Answers]:
    """Return full services, one for each lowest Python."""
    lowest = next(each for each in questions(template) if each.name == "python_version")
    return [{"preset": "full", "python_version": version} for version in lowest.choices]


def _typed(service: Combination) -> dict[str, str]:
    return {
        path: digest
        for path, digest in service.digests.items()
        if path.endswith(".py") or path == "pyproject.toml"
    }


def _check(
    services: Sequence[Combination],
    contents: Mapping[str, bytes],
    environment: Path,
    folder: Path,
) -> list[str]:
    """Check one service after the other in one folder, so that mypy remembers what is the same."""
    faults = []
    written: dict[str, str] = {}
    for service in services:
        wanted = _typed(service)
        for path in written.keys() - wanted.keys():
            (folder / path).unlink()
        for path, digest in wanted.items():
            if written.get(path) != digest:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(contents[digest])
        written = wanted
        done = subprocess.run(
            [environment / ".venv/bin/mypy", "--no-error-summary", "--no-color-output"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            faults.append(f"{service}\n{done.stdout}{done.stderr}")
    return faults

"""Every distinct set of Python files passes mypy in its strict mode."""

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.matrix import Combination, Matrix

pytestmark = pytest.mark.types

WORKERS = 2


def test_every_distinct_set_of_files_is_typed(
    matrix: Matrix,
    full_environment: Path,
    tmp_path: Path,
) -> None:
    """The full service's environment has every dependency; that each set declares its own is
    shown by tests/test_render.py.
    """
    distinct: dict[frozenset[tuple[str, str]], Combination] = {}
    for service in matrix.services:
        distinct.setdefault(frozenset(_typed(service).items()), service)
    shares = [list(distinct.values())[number::WORKERS] for number in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        checks = [
            pool.submit(_check, share, matrix, full_environment, tmp_path / str(number))
            for number, share in enumerate(shares)
        ]
        faults = [fault for check in checks for fault in check.result()]
    assert len(distinct) >= 2**6  # every structural question but docker and ci changes the code
    assert not faults, "\n\n".join(faults)


def _typed(service: Combination) -> dict[str, str]:
    return {
        path: digest
        for path, digest in service.digests.items()
        if path.endswith(".py") or path == "pyproject.toml"
    }


def _check(
    services: Sequence[Combination],
    matrix: Matrix,
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
                (folder / path).write_bytes(matrix.contents[digest])
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

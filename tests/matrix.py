"""Every combination of the structural answers, rendered; equal files are kept once."""

import functools
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from extensions.commands.catalogue import CUSTOM, Answers
from extensions.commands.rendering import rendered
from extensions.proof.covering import shard
from tests.processes import side_by_side

NOT_COMPARED = frozenset({".env.development"})  # it holds a random text


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Combination:
    """One service: its answers, the digest of each of its files, and its folders."""

    answers: Answers
    digests: dict[str, str]
    folders: frozenset[str]

    def __repr__(self) -> str:
        """Return the answers, as a failing test shows them."""
        return ", ".join(f"{name}={answer}" for name, answer in self.answers.items())


@dataclass(slots=True, repr=False)
class Matrix:
    """Some services, and the contents of their files by digest."""

    services: list[Combination] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def text(self, service: Combination, path: str) -> str:
        """Return a file of `service`."""
        return self.contents[service.digests[path]].decode()

    def distinct(self, suffix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield path and contents of every distinct file whose path ends with `suffix`."""
        pairs = {pair for service in self.services for pair in service.digests.items()}
        for path, digest in sorted(pairs):
            if path.endswith(suffix):
                yield path, self.contents[digest]

    def write_variants(self, folder: Path) -> list[Path]:
        """Write every distinct file below `folder`, and return the roots that it took.

        Variants of one path go into different roots; each root has the packages of a service, for
        the order of imports depends on them.
        """
        variants: dict[str, int] = {}
        roots: list[Path] = []
        for path, contents in self.distinct():
            if path == "uv.lock":  # nothing reads it there, and it has many variants
                continue
            number = variants[path] = variants.get(path, -1) + 1
            root = folder / str(number)
            if number == len(roots):
                roots.append(root)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(contents)
        for root in roots:
            for package in ("app", "devstack", "tests"):
                (root / package).mkdir(exist_ok=True)
                (root / package / "__init__.py").touch()
        return roots


def render_matrix(template: Path, services: Sequence[Answers]) -> Matrix:
    """Render `services` with Copier itself, a share of them for each processor."""
    count = os.cpu_count() or 1
    shares = [shard(services, number, count) for number in range(1, count + 1)]
    matrix = Matrix()
    for part in side_by_side(functools.partial(_rendered, template), shares):
        matrix.services += part.services
        matrix.contents |= part.contents
    return matrix


def _rendered(template: Path, services: Sequence[Answers]) -> Matrix:
    matrix = Matrix()
    for answers in services:
        service = rendered(template, {"preset": CUSTOM, **answers})
        digests = {}
        for path, contents in service.files.items():
            if path not in NOT_COMPARED:
                digests[path] = hashlib.sha256(contents).hexdigest()
                matrix.contents[digests[path]] = contents
        matrix.services.append(Combination(answers, digests, frozenset(service.folders)))
    return matrix

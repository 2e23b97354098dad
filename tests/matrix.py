"""Every combination of the structural answers, rendered; equal files are kept once."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from extensions.catalogue import Answers, combinations
from extensions.rendering import files, render

# These hold a random text, and every package that a service can have (until its first `uv sync`).
NOT_COMPARED = frozenset({".env.development", "uv.lock"})


@dataclass(frozen=True, slots=True)
class Combination:
    """One service: its answers, the digest of each of its files, and its folders."""

    answers: Answers
    digests: dict[str, str]
    folders: frozenset[str]

    def __str__(self) -> str:
        """Return what differs from the defaults of a person who types nothing."""
        return ", ".join(f"{name}={answer}" for name, answer in self.answers.items())


@dataclass(slots=True)
class Matrix:
    """All services, and the contents of their files by digest."""

    services: list[Combination] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

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


def render_matrix(template: Path, folder: Path) -> Matrix:
    """Render every combination with Copier itself."""
    matrix = Matrix()
    for answers in combinations(template):
        service = render(template, folder / "service", {"preset": "custom", **answers})
        digests = {}
        for path, contents in files(service).items():
            digest = hashlib.sha256(contents).hexdigest()
            if path not in NOT_COMPARED:
                digests[path] = digest
                matrix.contents[digest] = contents
        folders = frozenset(
            found.relative_to(service).as_posix() for found in service.rglob("*") if found.is_dir()
        )
        matrix.services.append(Combination(answers, digests, folders))
        shutil.rmtree(service)
    return matrix

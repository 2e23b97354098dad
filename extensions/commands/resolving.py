"""What Copier makes of some answers: every value, and which questions it does not ask."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extensions.commands.copier_parts import worker_of_folder


@dataclass(frozen=True, slots=True)
class Resolved:
    """What Copier makes of some answers.

    Attributes:
        values: every answer and every computed value, by name.
        not_asked: the questions that are not asked with these answers; they have their defaults.
    """

    values: dict[str, Any]
    not_asked: frozenset[str]


def resolved(template: Path, data: Mapping[str, Any]) -> Resolved:
    """Ask nobody, and take the answers `data` and otherwise the defaults.

    Raises:
        ValueError: an answer that copier.yml refuses, with its reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        worker = worker_of_folder(template, Path(folder), data)
        worker._ask()
    known, details = worker.answers.combined, worker.template.questions_data
    return Resolved(
        {name: known[name] for name in details if name in known},
        frozenset(name for name in worker.answers.hidden if details[name]["when"] is not False),
    )

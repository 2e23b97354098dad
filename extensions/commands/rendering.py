"""Renders services in memory, as Copier's own command does for a person: never with trust."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from extensions.commands.catalogue import Answer, checked
from extensions.commands.copier_parts import Collector, Rendered


def rendered(
    template: Path, answers: Mapping[str, Answer] | None = None, *, exclude: Sequence[str] = ()
) -> Rendered:
    """Render the folder `template` as it stands, without the files `exclude`; write nothing.

    Raises:
        UnknownAnswerError: `template` does not ask this, or does not offer it.
    """
    data = checked(template, answers or {})
    with Collector(
        src_path=str(template),
        dst_path=Path(tempfile.gettempdir(), "no-such-folder", "service"),
        data=data,
        exclude=exclude,
        defaults=True,
        pretend=True,
        quiet=True,
    ) as worker:
        worker.template.vcs = None  # of a repository, Copier would take the latest release
        worker.run_copy()
    return worker.collected

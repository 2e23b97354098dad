"""What came of a measurement, for a terminal and for docs/."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Figures = Mapping[str, Any]
"""A row as `measure/rows.py` writes it."""

HEADINGS = ("what", "unit", "service", "limit", "ratio", "floor", "target")
FORMS = {"requests/s": "{:.0f}", "events/s": "{:,.0f}", "tasks/s": "{:,.0f}", "ms": "{:.2f}"}


def cells(row: Figures) -> tuple[str, ...]:
    """Return what a table shows of a row, in the order of HEADINGS."""
    limit, ratio, floor = row["limit_median"], row["ratio"], row["floor_ratio"]
    return (
        row["title"] + (f" (limit: {row['against']})" if row["against"] else ""),
        row["unit"],
        _figure(row, row["median"]),
        "" if limit is None else _figure(row, limit),
        "" if ratio is None else f"{ratio:.2f}",
        "" if floor is None else f"{floor:.2f}",
        _target(row),
    )


def _figure(row: Figures, figure: float) -> str:
    return FORMS.get(row["unit"], "{:.2f}" if figure < 10 else "{:.1f}").format(figure)


def _target(row: Figures) -> str:
    target = row["target"]
    if target is None:
        return ""
    sign, bound = (
        ("≥", target["at_least"]) if target["at_most"] is None else ("≤", target["at_most"])
    )
    text = f"{sign} {bound:,g}" + (" of the limit" if target["of_limit"] else "")
    return f"{text}: {'met' if row['met'] else 'missed'}"


def as_text(rows: Iterable[Figures]) -> str:
    """Return a table for a terminal."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for line in table:
        what, unit, *figures, target = (
            cell.ljust(width) if number in {0, 1, 6} else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        lines.append("  ".join([what, unit, *figures, target]).rstrip())
    return "\n".join(lines)


def as_page(rows: Iterable[Figures], facts: Mapping[str, str], introduction: str) -> str:
    """Return the page for docs/."""
    lines = [introduction, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    lines += ["", f"| {' | '.join(HEADINGS)} |", "|---|---|--:|--:|--:|--:|---|"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def write(folder: Path, page: str, rows: Sequence[Figures], facts: Mapping[str, str]) -> None:
    """Write bench.md and bench.json into `folder`."""
    (folder / "bench.md").write_text(page)
    content = {"facts": facts, "rows": list(rows)}
    (folder / "bench.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")

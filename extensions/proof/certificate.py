"""The certificate: what the tiers of the proof saw of one commit, as JSON and as a page.

`python -m extensions.proof.certificate FOLDER …` writes both into docs/, of the proofs in these
folders.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from extensions.commands.output import print_plainly
from extensions.proof.combinations import factors, validity
from extensions.proof.conditions import NOT_ASKED
from extensions.proof.covering import feasible_tuples, tuples_of
from extensions.proof.proofs import CHANGED, COMMIT, Figures, commit_of, kept, merged

JSON = Path("docs/certificate.json")
PAGE = Path("docs/certificate.md")
LOCKED = "locked"
"""How a row ran with the tested versions of all packages."""

STRENGTHS = {2: "pairs", 3: "triples"}
# The tiers beside `run`, and the figures without which they have seen nothing.
COUNTED = {
    "render": {"combinations": "combinations rendered", "files": "distinct files checked"},
    "types": {"file_sets": "sets of files type-checked"},
    "update": {"updates": "services updated over a person's work, compared line by line"},
    "toggle": {"toggles": "parts switched on and off"},
}


class CertificateError(Exception):
    """There can be no certificate. The text is one sentence that says how to fix that."""


def missing(repository: Path, folder: Path) -> list[str]:
    """Return the tiers beside `run` that have not passed at the present commit."""
    commit = _committed(repository)
    return [tier for tier in COUNTED if not _has_passed(tier, kept(folder, tier, commit))]


def _committed(repository: Path) -> str:
    commit = commit_of(repository)
    if commit.endswith(CHANGED):
        raise CertificateError("A certificate names a commit: commit your changes first.")
    return commit


def _has_passed(tier: str, figures: Figures) -> bool:
    """Return whether the tier came to its end, and what it counts is not nothing."""
    return all(figures.get(name) for name in (*COUNTED[tier], "seconds"))


def certificate(repository: Path, folders: Iterable[Path]) -> Figures:
    """Return the certificate of what `folders` have of the present commit.

    Raises:
        CertificateError: the work tree has changes, or a tier has not passed all of it.
    """
    commit = _committed(repository)
    seen: dict[str, Figures] = {tier: {} for tier in (*COUNTED, "run")}
    for folder in folders:
        for tier, figures in seen.items():
            seen[tier] = merged(figures, kept(folder, tier, commit))
    for tier in COUNTED:
        if not _has_passed(tier, seen[tier]):
            raise CertificateError(
                f"The tier {tier} has not passed at this commit: `uv run nox -s certificate`."
            )
    rows: dict[str, Figures] = seen["run"].get("rows", {})
    executed = _executed(repository, rows)
    if executed["pairs"]["executed"] < executed["pairs"]["feasible"]:
        raise CertificateError(
            "The tier run has not passed in all rows at this commit: `uv run nox -s certificate`."
        )
    return {
        "template": {COMMIT: commit},
        "date": datetime.now(UTC).date().isoformat(),
        "tools": {"Copier": version("copier"), "uv": version("uv")},
        "pythons": sorted({row["python"] for row in rows.values()} | {platform.python_version()}),
        "servers": sorted({server for row in rows.values() for server in row["servers"]}),
        "tiers": {
            tier: {name: seen[tier][name] for name in (*names, "seconds")}
            for tier, names in COUNTED.items()
        },
        "run": {"rows": rows, "tests": sum(row["tests"] for row in rows.values()), **executed},
    }


def _executed(repository: Path, rows: Mapping[str, Figures]) -> dict[str, dict[str, int]]:
    """Return how many pairs and triples of answers stood in a row, with the tested versions."""
    asked = factors(repository)
    ran = [
        {name: row["answers"].get(name, NOT_ASKED) for name in asked}
        for row in rows.values()
        if row["versions"] == LOCKED
    ]
    executed = {}
    for strength, name in STRENGTHS.items():
        feasible = feasible_tuples(asked, strength, validity(repository))
        executed[name] = {
            "executed": len(tuples_of(ran, strength) & feasible),
            "feasible": len(feasible),
        }
    return executed


def page(certificate: Mapping[str, Any]) -> str:
    """Return the certificate as a person reads it, in Markdown."""
    template, run = certificate["template"], certificate["run"]
    lines = [
        "# The certificate",
        "",
        f"What the tests saw at commit `{template[COMMIT]}`, on {certificate['date']}.",
        "Written by `uv run nox -s certificate`, never by hand.",
        "",
        "| | |",
        "|---|---|",
    ]
    for tier, names in COUNTED.items():
        figures = certificate["tiers"][tier]
        for name, label in names.items():
            lines.append(f"| {label} | {figures[name]:,} |")
    lines.append(f"| services installed and run | {len(run['rows'])} |")
    for name in STRENGTHS.values():
        counts = run[name]
        lines.append(
            f"| {name} of answers that stood together in one of them "
            f"| {counts['executed']:,} of {counts['feasible']:,} |"
        )
    lines += [
        f"| tests that passed in them | {run['tests']:,} |",
        f"| servers | {', '.join(certificate['servers'])} |",
        f"| Python | {', '.join(certificate['pythons'])} |",
        *(f"| {tool} | {number} |" for tool, number in certificate["tools"].items()),
        "",
        "## The services that ran",
        "",
        "| answers | tests | seconds |",
        "|---|---:|---:|",
        *(f"| `{name}` | {row['tests']} | {row['seconds']} |" for name, row in run["rows"].items()),
        "",
        "What is not written is as in the standard service.",
        "`uv run nox -s run -- ANSWERS` runs a row once more.",
        "",
        "## How long it took",
        "",
        "| tier | seconds |",
        "|---|---:|",
        *(f"| {tier} | {certificate['tiers'][tier]['seconds']} |" for tier in COUNTED),
        f"| run, the rows added up | {sum(row['seconds'] for row in run['rows'].values())} |",
    ]
    return "\n".join(lines) + "\n"


def write(repository: Path, folders: Sequence[Path]) -> None:
    """Write the certificate of `folders` into docs/; without one, what stands there stays."""
    text = json.dumps(certificate(repository, folders), indent=1, sort_keys=True) + "\n"
    (repository / JSON).write_text(text)
    (repository / PAGE).write_text(page(json.loads(text)))


def main() -> None:
    """Write the certificate, or exit with 1 and a sentence that says why there is none."""
    parser = argparse.ArgumentParser(
        prog="python -m extensions.proof.certificate", description=__doc__
    )
    parser.add_argument("folder", nargs="+", type=Path, help="what PROOF_DIR was in the tiers")
    parser.add_argument("--missing", action="store_true", help="say which tiers are to be run yet")
    print_plainly()
    given = parser.parse_args()
    repository = Path(__file__).parents[2]
    try:
        if given.missing:
            print(*missing(repository, given.folder[0]))
        else:
            write(repository, given.folder)
    except CertificateError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

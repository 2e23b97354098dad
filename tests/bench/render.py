"""How long it takes to render: in process, by the command, and at least.

`uv run python -m tests.bench.render [--rounds 5] [--services 64]`
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from extensions.commands.rendering import rendered
from extensions.proof.combinations import combinations
from tests.matrix import render_matrix

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Measure each in turn, several rounds, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.render")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--services", type=int, default=64, help="rendered in each round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        template, trivial = Path(folder, "template"), Path(folder, "trivial")
        template.mkdir()
        shutil.copy(ROOT / "copier.yml", template)
        for name in ("parts", "template"):
            shutil.copytree(ROOT / name, template / name)
        count = write_trivial(trivial, template)
        every = list(combinations(template))
        services = every[:: max(1, len(every) // arguments.services)]
        destination = Path(folder, "service")
        rows: dict[str, Callable[[], object]] = {
            "matrix": lambda: render_matrix(template, services),
            "command": lambda: copy(template, destination, "preset=full"),
            "import copier": lambda: python("-c", "import copier"),
            "floor": lambda: copy(trivial, destination),
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
        for _ in range(arguments.rounds):
            for name, run in rows.items():
                shutil.rmtree(destination, ignore_errors=True)
                seconds[name].append(timed(run))
    wall = {name: median(each[0] for each in seconds[name]) for name in rows}
    busy = {name: median(each[1] for each in seconds[name]) for name in rows}

    def figure(name: str, without: str | None = None) -> str:
        first, second = (each[name] - (each[without] if without else 0) for each in (wall, busy))
        return f"{first:.2f} s ({second:.2f} s of a processor)"

    number = len(services)
    for title, said in (
        (
            f"{number} services in process, {os.cpu_count()} processes",
            f"{number / wall['matrix']:.1f} combinations/s "
            f"({number / busy['matrix']:.1f} for each second of a processor)",
        ),
        ("`copier copy` of the full service", figure("command")),
        ("  without the import of copier", figure("command", "import copier")),
        (f"floor: {count} files without a template", figure("floor")),
        ("  without the import of copier", figure("floor", "import copier")),
        ("programs that want a processor", f"{os.getloadavg()[0]:.1f}"),
    ):
        sys.stdout.write(f"{title:<45}{said}\n")


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that `run` takes, and those in which its processes have a processor."""
    begin, before = time.perf_counter(), os.times()
    run()
    after = os.times()
    busy = after.children_user + after.children_system
    return time.perf_counter() - begin, busy - before.children_user - before.children_system


def write_trivial(folder: Path, template: Path) -> int:
    """Write a template of the full service's files as they are, and return how many these are."""
    service = rendered(template, {"preset": "full"})
    for path, contents in service.files.items():
        (folder / "template" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "template" / path).write_bytes(contents)
    (folder / "copier.yml").write_text("_subdirectory: template\n")
    return len(service.files)


def copy(template: Path, destination: Path, *answers: str) -> None:
    data = [part for answer in answers for part in ("--data", answer)]
    python("-m", "copier", "copy", "--quiet", "--defaults", *data, str(template), str(destination))


def python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True)


if __name__ == "__main__":
    main()

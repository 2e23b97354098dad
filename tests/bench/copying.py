"""How long it takes to scaffold a service by Copier's own command."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.measure.rows import Row, Target

ROOT = Path(__file__).parent.parent.parent


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return the row of `copier copy` for the full service."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            begin = time.perf_counter()
            subprocess.run(
                [
                    *(sys.executable, "-m", "copier", "copy", "--quiet", "--defaults"),
                    *("--data", "preset=full", str(ROOT), f"{folder}/{number}"),
                ],
                check=True,
            )
            if number:  # the first one compiles
                seconds.append(time.perf_counter() - begin)
    title = "`copier copy` of the full service"
    return [Row("copy", title, "s", seconds, target=Target(at_most=2)).as_json()]

"""Load on an API by wrk, which costs a tenth of what the API itself costs."""

import asyncio
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from measure.programs import BenchError, Program

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask for.

    Attributes:
        kind: get, create or upload; see load.lua.
        path: of every request, if `kind` is not get.
        status: what each answer must have.
        file: see load.lua.
    """

    kind: str
    path: str
    status: int
    file: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        rate: answers per second.
        p99: milliseconds that 99 of 100 answers took at most.
        effort: milliseconds of a processor that the program took for each answer.
    """

    rate: float
    p99: float
    effort: float


async def put_load(
    program: Program,
    load: Load,
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    rate: float | None = None,
) -> Result:
    """Ask for `seconds`, as fast as the answers come or about `rate` times a second.

    Raises:
        BenchError: an answer had another status than it must have, or did not come.
    """
    # A connection that pauses after each answer asks at this rate as long as answers are quick.
    pause = 1000 * connections / rate if rate else 0
    url = f"{program.url}{load.path}"
    before = program.processor_time()
    process = await asyncio.create_subprocess_exec(
        wrk(),
        *("-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s"),
        *("--timeout", "30s", "--latency", "-s", str(SCRIPT), url),
        *("--", load.kind, str(load.status), str(pause), str(load.file)),
        str(random.randrange(10**9)),  # noqa: S311 (tells runs apart)
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    effort = program.processor_time() - before
    _, found, result = said.partition("RESULT ")
    if not found:
        raise BenchError(f"wrk failed:\n{said}")
    values = json.loads(result)
    answered = values["statuses"].pop(str(load.status), 0)
    if values["statuses"] or values["lost"] or not answered:
        raise BenchError(
            f"{url} should answer {load.status}: {answered} did, "
            f"others {values['statuses'] or 'none'}, {values['lost']} were lost.",
        )
    return Result(answered / values["seconds"], values["p99"], 1000 * effort / answered)


def wrk() -> str:
    """Return the program; raises a BenchError that says how to install it."""
    program = shutil.which("wrk")
    if program is None:
        raise BenchError(
            "wrk is not installed. `apt-get install wrk`, or `brew install wrk`, brings it.",
        )
    return program

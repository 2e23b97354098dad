"""Large things: files of 100 MB that stream through, and lists of up to a million rows."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Collection
from pathlib import Path

from measure.load import Load, put_load
from measure.programs import BenchError, Program, apis
from measure.request_rows import EXAMPLES, SEED
from measure.rows import Row, Target
from measure.setting import Setting

GROUPS = ("files", "depth")
MB = 1_000_000
PAGE = 100
SECONDS = 1.0
"""Of each turn: one page after the other, so that there is little to spread."""

TURNS = 2
"""Of each page in a round: a tenth more or less is to be seen."""


async def measure(setting: Setting, groups: Collection[str]) -> list[Row]:
    """Return the rows of `groups`."""
    rows: list[Row] = []
    if "files" in groups:
        rows += await _files(setting)
    if "depth" in groups:
        rows += await _depths(setting)
    return rows


async def _files(setting: Setting) -> list[Row]:
    size = 10 if setting.quick else 100
    file = setting.folder / "large.txt"
    file.write_bytes(b"0123456789" * (size * MB // 10))
    await setting.database.execute(SEED, 1)
    example = await setting.database.fetchval("SELECT id FROM examples")
    names = ("service", "limit")
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    async with apis(setting, *names) as programs:
        for _ in range(setting.rounds):
            for name in names:
                for what, figure in (await _streamed(programs[name], example, file)).items():
                    figures[name].setdefault(what, []).append(figure)
    await setting.database.execute("TRUNCATE examples CASCADE")
    service, limit = (figures[name] for name in names)
    flat = Target(at_most=40)
    return [
        Row("files", f"upload of {size} MB", "MB/s", service["up"], limit["up"]),
        Row("files", "memory it adds to the API", "MB", service["up+"], limit["up+"], flat),
        Row("files", f"download of {size} MB", "MB/s", service["down"], limit["down"]),
        Row("files", "memory it adds to the API", "MB", service["down+"], limit["down+"], flat),
    ]


async def _streamed(program: Program, example: object, file: Path) -> dict[str, float]:
    """Upload `file` and download it again; return MB per second, and the MB that memory grew."""
    size = file.stat().st_size / MB
    url = f"{program.url}{EXAMPLES}/{example}/attachments"
    headers = file.with_suffix(".headers")
    begin = time.perf_counter()
    async with program.watched() as memory:
        await _curl(
            "201", "-D", headers, "-H", "Expect:", "-F", f"file=@{file};type=text/plain", url
        )
    up, grown = size / (time.perf_counter() - begin), max(memory) - memory[0]
    (location,) = (
        line.split()[1]
        for line in headers.read_text().splitlines()
        if line.lower().startswith("location:")
    )
    begin = time.perf_counter()
    async with program.watched() as memory:
        received = await _curl("200", f"{program.url}{location}")
    if received != file.stat().st_size:
        raise BenchError(f"{program.name} sent {received} bytes of {file.stat().st_size}.")
    down = size / (time.perf_counter() - begin)
    return {"up": up, "up+": grown, "down": down, "down+": max(memory) - memory[0]}


async def _curl(status: str, *arguments: str | Path) -> int:
    """Run curl, and return how many bytes it received."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--output", "/dev/null"),
        *("--write-out", "%{http_code} %{size_download}"),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[0].decode().split()
    if said[:1] != [status]:
        raise BenchError(f"{arguments[-1]} should answer {status}; curl says {' '.join(said)}.")
    return int(said[1])


async def _depths(setting: Setting) -> list[Row]:
    rows = []
    sizes = (10**3, 10**4) if setting.quick else (10**3, 10**4, 10**5, 10**6)
    async with apis(setting, "service") as programs:
        service = programs["service"]
        for size in sizes:
            await setting.database.execute("TRUNCATE examples CASCADE")
            await setting.database.execute(SEED, size)
            await setting.database.execute("VACUUM ANALYZE examples")
            depth = min(size, 100_000) - 2 * PAGE
            paths = {
                "first": f"{EXAMPLES}?limit=10",
                "offset": f"{EXAMPLES}?limit=10&offset={depth}",
                "key": f"{EXAMPLES}?limit=10&cursor={await _cursor(service, depth)}",
            }
            times: dict[str, list[float]] = {name: [] for name in paths}
            for _ in range(TURNS * setting.rounds):
                for name, path in paths.items():
                    file = setting.folder / "page"
                    file.write_text(f"{path}\n")
                    load = Load("get", "", 200, file)
                    result = await put_load(service, load, SECONDS, connections=1)
                    times[name].append(1000 / result.rate)
            of = f"of {size:,} rows"
            where = f"10 at {depth:,} {of}"
            against, first = "the first 10", times["first"]
            deep = Target(at_most=1.1, of_limit=True)
            rows += [
                Row("depth", f"the first 10 {of}", "ms", first),
                Row("depth", f"{where}, by key", "ms", times["key"], first, deep, against),
                Row("depth", f"{where}, by offset", "ms", times["offset"], first, None, against),
            ]
    await setting.database.execute("TRUNCATE examples CASCADE")
    return rows


async def _cursor(service: Program, depth: int) -> str:
    """Walk to `depth` as a client does, by the cursor of each page."""
    cursor = ""
    for _ in range(depth // PAGE):
        query = f"?limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")
        page = await asyncio.to_thread(_get, f"{service.url}{EXAMPLES}{query}")
        cursor = page["data"]["next_cursor"]
    return cursor


def _get(url: str) -> dict[str, dict[str, str]]:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 (our own address)
        document: dict[str, dict[str, str]] = json.load(answer)
        return document

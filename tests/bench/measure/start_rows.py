"""Starting, importing, memory; and what every further feature adds to them."""

import asyncio
import re
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

from measure.load import Load, put_load
from measure.programs import COMMANDS, BenchError, Program, status_of
from measure.rows import Row, Target
from measure.setting import Setting

GROUPS = ("start", "modules")
SETTLING = 1.0
"""Seconds after the start until a program is called idle."""

ROUNDS = 3
"""At most: a service with fifty features takes long to start."""

IMPORT = "import time; begin = time.perf_counter(); import {}; print(time.perf_counter() - begin)"
FEATURES = (1, 10, 50)
OF_THE_EXAMPLE = {
    "app/api.py": r"^(?:from app\.features\.example|api_router\.include_router\(\w*\(?example).*\n",
    "app/events/subjects.py": r"^EXAMPLE_.*\n",
    "app/events/schemas.py": r"^(?:class Example|from app\.events\.subj).*\n(?:(?:    .*)?\n)*",
}
"""What a feature needs outside of its folder: lines of these files."""


async def measure(setting: Setting, groups: Collection[str]) -> list[Row]:
    """Return the rows of `groups`."""
    rows: list[Row] = []
    if "start" in groups:
        imports, starts, memory, _ = await _measured(setting, "service", "app.main", "examples")
        limit_imports, limit_starts, limit_memory, _ = await _measured(
            setting,
            "limit",
            "limit",
            "examples",
        )
        rows = [
            Row(
                "start", "import of the application", "s", imports, limit_imports, Target(None, 1.3)
            ),
            Row("start", "start to ready", "s", starts, limit_starts, Target(None, 1.5)),
            Row("start", "idle memory of the API", "MB", memory, limit_memory, Target(None, 90)),
        ]
    if "modules" in groups:
        rows += await _with_features(setting)
    return rows


async def _with_features(setting: Setting) -> list[Row]:
    """Copy the example as the README says, once and more often, and measure again each time."""
    rows = []
    before = await _measured(setting, "service", "app.main", "examples")
    numbers = FEATURES[:-1] if setting.quick else FEATURES
    assembly = {name: (setting.service / name).read_text() for name in OF_THE_EXAMPLE}
    try:
        for number in range(1, numbers[-1] + 1):
            _add_feature(setting.service, assembly, f"sample{number}")
            if number in numbers:
                after = await _measured(setting, "service", "app.main", f"sample{number}s")
                for title, unit, old, new in zip(
                    (
                        "import",
                        "start to ready",
                        "idle memory",
                        "processor time of a request to the last",
                    ),
                    ("s", "s", "MB", "ms"),
                    before,
                    after,
                    strict=True,
                ):
                    named = f"{title}, with {number} more feature{'s' if number > 1 else ''}"
                    rows.append(Row("modules", named, unit, new, old, against="without them"))
    finally:
        for folder in (setting.service / "app/features").glob("sample*"):
            shutil.rmtree(folder)
        for name, text in assembly.items():
            (setting.service / name).write_text(text)
    return rows


def _add_feature(service: Path, assembly: dict[str, str], name: str) -> None:
    def renamed(text: str) -> str:
        for old, new in (("example", name), ("Example", name.title()), ("EXAMPLE", name.upper())):
            text = text.replace(old, new)
        return text

    source = service / "app/features/example"
    folder = service / "app/features" / name
    folder.mkdir()
    for file in source.glob("*.py"):
        (folder / file.name).write_text(renamed(file.read_text()))
    for path, pattern in OF_THE_EXAMPLE.items():
        found = "".join(re.findall(pattern, assembly[path], re.MULTILINE))
        if not found:
            raise BenchError(f"{path} has nothing of the example any more.")
        with (service / path).open("a") as output:
            output.write(renamed(found))


async def _measured(
    setting: Setting,
    name: str,
    module: str,
    feature: str,
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Return what each round took.

    Seconds of the import, seconds of the start, MB when idle, and the milliseconds of a request to
    `feature` that is refused before it reaches the database: finding its route is most of it.
    """
    imports, starts, memory, refusals = [], [], [], []
    file = setting.folder / "refused"
    file.write_text(f"/api/v1/{feature}/1\n")
    for number in range(min(setting.rounds, ROUNDS) + 1):
        seconds = await _import_time(setting, module)
        program = Program(setting, name)
        try:
            await program.start_api(COMMANDS[name])
            await asyncio.sleep(0 if setting.quick else SETTLING)
            if number:  # the first one compiles
                imports.append(seconds)
                starts.append(program.started_in)
                memory.append(program.memory())
                # The first request to a feature takes longer: FastAPI prepares all routes then.
                await asyncio.to_thread(status_of, f"{program.url}/api/v1/{feature}/1")
                refused = await put_load(program, Load("get", "", 422, file), seconds=1)
                refusals.append(refused.effort)
        finally:
            await program.stop()
    return imports, starts, memory, refusals


async def _import_time(setting: Setting, module: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        IMPORT.format(module),
        cwd=setting.folder,
        env=dict(setting.environment),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise BenchError(f"{module} cannot be imported.")
    return float(said)

"""Requests per second: the service and the limit in turn, and how long answers take."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure.load import Load, Result, put_load
from measure.programs import BenchError, Program, apis, status_of
from measure.rows import Row, Target
from measure.setting import Setting

ROWS = 1000
EXAMPLES = "/api/v1/examples"
SEED = """
    INSERT INTO examples (id, name, description, status, quantity, version, created_at)
    SELECT gen_random_uuid(), 'seed ' || number, 'One of many', 'draft', number, 1,
           now() - (number || ' seconds')::interval
    FROM generate_series(1, $1::int) AS number
"""
UPLOADED = 1024 * 1024
UPLOADERS = 4


@dataclass(frozen=True, slots=True)
class Contest:
    """Two programs that are asked for the same in turn.

    Attributes:
        group: the name by which it is chosen.
        title: what they are asked for.
        load: a key of `_loads`.
        programs: the one that is measured, what it is compared with, and maybe the floor.
        target: of the ratio of their rates.
        against: see `Row`.
        connections: how many clients ask at once.
        paced: whether to compare the times of answers at the same rate, too.
    """

    group: str
    title: str
    load: str
    target: Target | None = None
    programs: tuple[str, ...] = ("service", "limit")
    against: str = ""
    connections: int = 32
    paced: bool = True


ALL = ("service", "limit", "floor")
CONTESTS = (
    Contest("health", "health", "health", Target(at_least=0.85, of_limit=True), ALL),
    Contest("list", "list of 10", "list", Target(at_least=0.42, of_limit=True), ALL),
    Contest("read", "read one", "read", Target(at_least=0.42, of_limit=True), ALL),
    Contest(
        "create",
        "create one, with its event",
        "create",
        Target(at_least=0.28, of_limit=True),
        ALL,
    ),
    Contest("upload", "upload of 1 MB", "upload", connections=UPLOADERS, paced=False),
    Contest(
        "envelope",
        "list of 10, envelope on",
        "list",
        Target(at_least=0.95, of_limit=True),
        ("service", "service without envelope"),
        "the service, envelope off",
        paced=False,
    ),
    *(
        Contest(
            "observability",
            f"{what}, observability on, no collector",
            load,
            programs=("service with observability", "service"),
            against="the service, observability off",
            paced=False,
        )
        for load, what in (("list", "list of 10"), ("create", "create one, with its event"))
    ),
    Contest(
        "logging",
        "list of 10, every request logged",
        "list",
        programs=("service, logging", "limit, logging"),
        paced=False,
    ),
    Contest(
        "processes",
        "list of 10, 2 API processes",
        "list",
        programs=("service, 2 processes", "limit, 2 processes"),
        paced=False,
    ),
)
GROUPS = tuple(dict.fromkeys(contest.group for contest in CONTESTS))


async def measure(setting: Setting, groups: Collection[str]) -> list[Row]:
    """Return the rows of `groups`."""
    contests = [contest for contest in CONTESTS if contest.group in groups]
    await setting.database.execute(SEED, ROWS)
    await setting.database.execute("VACUUM ANALYZE examples")
    loads = await _loads(setting)
    names = [name for contest in contests for name in contest.programs]
    results: dict[tuple[Contest, str], list[Result]] = defaultdict(list)
    paced: dict[tuple[Contest, str], list[Result]] = defaultdict(list)
    async with apis(setting, *names) as programs:
        for program in programs.values():
            await asyncio.to_thread(status_of, f"{program.url}{EXAMPLES}")
        for contest in contests:
            for name in contest.programs:
                await _turn(setting, contest, programs[name], loads, 1)
        for number in range(setting.rounds):
            for contest in contests:
                for name in contest.programs[:: -1 if number % 2 else 1]:
                    result = await _turn(setting, contest, programs[name], loads, setting.seconds)
                    results[contest, name].append(result)
        for number in range(setting.rounds):
            for contest in contests:
                if not contest.paced:
                    continue
                slower = min(_rate(results[contest, name]) for name in contest.programs[:2])
                for name in contest.programs[:: -1 if number % 2 else 1]:
                    result = await _turn(
                        setting,
                        contest,
                        programs[name],
                        loads,
                        setting.seconds,
                        rate=slower / 2,
                    )
                    paced[contest, name].append(result)
    await setting.database.execute("TRUNCATE examples CASCADE; TRUNCATE outbox")
    return [row for contest in contests for row in _rows(contest, results, paced)]


def _rate(results: list[Result]) -> float:
    return median(result.rate for result in results)


def _rows(
    contest: Contest,
    results: dict[tuple[Contest, str], list[Result]],
    paced: dict[tuple[Contest, str], list[Result]],
) -> list[Row]:
    def row(
        what: str,
        unit: str,
        figure: str,
        found: dict[tuple[Contest, str], list[Result]],
        target: Target | None = None,
        note: str = "",
    ) -> Row:
        service, limit, *floor = (
            [getattr(result, figure) for result in found[contest, name]]
            for name in contest.programs
            if (contest, name) in found
        )
        return Row(
            group=contest.group,
            title=contest.title + what,
            unit=unit,
            service=service,
            limit=limit,
            target=target,
            against=contest.against,
            note=note,
            floor=floor[0] if floor else [],
        )

    soon = Target(at_most=2, of_limit=True) if contest.paced else None
    rows = [
        row("", "requests/s", "rate", results, contest.target),
        row(": processor time of each", "ms", "effort", results),
        row(": p99, each at its top speed", "ms", "p99", results, soon),
    ]
    if contest.paced:
        rate = _rate(paced[contest, contest.programs[0]])
        note = "half of what the service can"
        rows.append(row(f": p99, all at {rate:.0f} requests/s", "ms", "p99", paced, soon, note))
    return rows


async def _loads(setting: Setting) -> dict[str, Load]:
    ids = [record["id"] for record in await setting.database.fetch("SELECT id FROM examples")]
    upload = setting.folder / "upload"
    upload.write_bytes(b"0123456789abcdef" * (UPLOADED // 16))
    return {
        "health": _gets(setting.folder / "health", ["/health/live"]),
        "list": _gets(setting.folder / "list", [f"{EXAMPLES}?limit=10"]),
        "read": _gets(setting.folder / "read", [f"{EXAMPLES}/{one}" for one in ids]),
        "create": Load("create", EXAMPLES, 201, setting.folder / "created"),
        "upload": Load("upload", f"{EXAMPLES}/{ids[0]}/attachments", 201, upload),
    }


def _gets(file: Path, paths: list[str]) -> Load:
    file.write_text("".join(f"{path}\n" for path in paths))
    return Load("get", "", 200, file)


async def _turn(
    setting: Setting,
    contest: Contest,
    program: Program,
    loads: dict[str, Load],
    seconds: float,
    *,
    rate: float | None = None,
) -> Result:
    load = loads[contest.load]
    connections = contest.connections
    result = await put_load(program, load, seconds, connections=connections, rate=rate)
    if load.kind == "create":
        await _require_stored(setting, program.name, load.file)
    return result


async def _require_stored(setting: Setting, name: str, file: Path) -> None:
    """Raise a BenchError if something that was acknowledged is not there; delete all of it."""
    acknowledged = [line.rpartition("/")[2] for line in file.read_text().splitlines()]
    stored = await setting.database.fetchval(
        "SELECT count(*) FROM examples WHERE id = ANY($1::text[]::uuid[])",
        acknowledged,
    )
    announced = await setting.database.fetchval(
        "SELECT count(DISTINCT aggregate_id) FROM outbox WHERE aggregate_id = ANY($1::text[])",
        acknowledged,
    )
    if not len(acknowledged) == len(set(acknowledged)) == stored == announced:
        raise BenchError(
            f"{name} acknowledged {len(acknowledged)} examples; "
            f"{stored} are stored, {announced} of them with an event.",
        )
    await setting.database.execute("DELETE FROM examples WHERE name LIKE 'bench %'")
    await setting.database.execute("TRUNCATE outbox")
    await setting.database.execute("VACUUM examples")

"""`python -m measure ROW …`: measure, and print what came of it as JSON on the last line."""

import argparse
import asyncio
import json
import sys
import time

from app.common.logging_config import setup_logging
from devstack.process import DevstackError
from measure import message_rows, request_rows, size_rows, start_rows
from measure.programs import BenchError
from measure.setting import started

MODULES = (request_rows, message_rows, start_rows, size_rows)


async def measured(arguments: argparse.Namespace) -> list[object]:
    """Return the chosen rows."""
    rows = []
    async with started(
        dict(change.split("=", 1) for change in arguments.set),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        quick=arguments.quick,
    ) as setting:
        for module in MODULES:
            groups = [group for group in module.GROUPS if group in arguments.rows]
            if groups:
                print(f"Measuring {', '.join(groups)}.", file=sys.stderr, flush=True)
                begin = time.monotonic()
                rows += await module.measure(setting, groups)
                print(f"  took {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return [row.as_json() for row in rows]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="measure")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("rows", nargs="+")
    arguments = parser.parse_args()
    setup_logging("production", "WARNING")
    try:
        rows = asyncio.run(measured(arguments))
    except (BenchError, DevstackError) as error:
        sys.exit(str(error))
    print(json.dumps(rows))


main()

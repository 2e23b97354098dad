"""The commands beside Copier's own: `python -m extensions`, or `fastapi-service-template`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from extensions.git import GitError
from extensions.given_answers import UsageError
from extensions.plan_report import NAME, advice, report
from extensions.plan_update import apply, discarded, plan
from extensions.rehearsal import rehearsed

FINE, WRONG_USE, LOST, CONFLICTS, INTERRUPTED = 0, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (UsageError, GitError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing was changed.\n")
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="What beside Copier helps a service.")
    commands = parser.add_subparsers(required=True, metavar="command")
    update = commands.add_parser(
        "plan-update",
        help="say what an update would do to a service, and whether edits would be lost",
        epilog="Exit codes: 0 fine, 2 wrong use, 3 edits would be lost, 4 conflicts.",
    )
    update.set_defaults(run=_plan_update)
    update.add_argument("folder", type=Path, metavar="DIR", help="the service")
    update.add_argument(
        "--vcs-ref", metavar="REF", help="the version; the newest release if not given"
    )
    update.add_argument("--diff", action="store_true", help="print the lost edits whole")
    update.add_argument("--apply", action="store_true", help="update, if no edit would be lost")
    update.add_argument(
        "--discard", action="append", default=[], metavar="PATH", help="lose the edit of this file"
    )
    _add_answers(update)
    return parser


def _add_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="QUESTION=ANSWER",
        help="an answer, as in storage=none; can be given several times",
    )


def _plan_update(options: argparse.Namespace) -> int:
    service = options.folder.resolve()
    with rehearsed(service, options.data, options.vcs_ref) as rehearsal:
        found = plan(rehearsal)
        given_up = discarded(service, found, options.discard)
        kept = [path for path in found.lost if path not in given_up]
        sys.stdout.write(report(rehearsal, found, whole=options.diff))
        if options.apply and not kept:
            apply(service, rehearsal)
            sys.stdout.write(f"{rehearsal.message}\n")
        else:
            data = [part for pair in options.data for part in ("-d", pair)]
            ref = ["--vcs-ref", options.vcs_ref] if options.vcs_ref else []
            sys.stdout.write(f"\n{advice(options.folder, [*data, *ref], found, kept)}")
    if kept:
        return LOST
    return CONFLICTS if found.conflicts else FINE


if __name__ == "__main__":
    sys.exit(main())

"""The commands beside Copier's own: `fastapi-service-template`, in a clone with `uv run`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from extensions.commands.explain import as_json, as_text, explain
from extensions.commands.git import GitError
from extensions.commands.given_answers import UsageError
from extensions.commands.new import new
from extensions.commands.output import print_plainly, say_no_more
from extensions.commands.plan_report import advice, report
from extensions.commands.plan_update import apply, discarded, plan
from extensions.commands.rehearsal import rehearsed
from extensions.commands.render_diff import render_diff
from extensions.commands.source import NAME, own_template

FINE, WRONG_USE, LOST, CONFLICTS, INTERRUPTED = 0, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    print_plainly()
    try:
        return _run(_parser().parse_args(arguments))
    except BrokenPipeError:
        say_no_more()
        return FINE


def _run(options: argparse.Namespace) -> int:
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except (UsageError, GitError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    except KeyboardInterrupt:
        sys.stderr.write(f"Interrupted; {options.so_far}.\n")
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="What beside Copier helps a service.")
    parser.set_defaults(so_far="nothing was changed")
    commands = parser.add_subparsers(required=True, metavar="command")
    new_ = commands.add_parser("new", help="scaffold a service, as `copier copy` does")
    new_.set_defaults(run=_new)
    new_.add_argument("folder", type=Path, metavar="DESTINATION", help="where to write it")
    new_.add_argument("--defaults", action="store_true", help="ask nothing")
    new_.add_argument("--template", metavar="ADDRESS", help="the template's repository")
    new_.add_argument(
        "--vcs-ref", metavar="REF", help="the version; the newest release if not given"
    )
    _add_answers(new_)
    update = commands.add_parser(
        "plan-update",
        help="say what an update would do to a service, and whether edits would be lost",
        epilog="Exit codes: 0 fine, 2 wrong use, 3 edits would be lost, 4 conflicts, 130 stopped.",
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
    explain_ = commands.add_parser("explain", help="say what an answer brings into a service")
    explain_.set_defaults(run=_explain)
    explain_.add_argument(
        "subject",
        nargs="?",
        metavar="QUESTION[=ANSWER]",
        help="what to explain; without it, the whole of what is given with -d",
    )
    explain_.add_argument("--json", action="store_true", help="print JSON")
    _add_answers(explain_)
    diff = commands.add_parser("diff", help="compare services of two sets of answers or versions")
    diff.set_defaults(run=_diff)
    diff.add_argument("old", metavar="A", help="question=answer,question=answer, or a version")
    diff.add_argument("new", metavar="B", help="the same of the other side")
    diff.add_argument("--stat", action="store_true", help="only how many lines differ, by file")
    diff.add_argument("--template", metavar="ADDRESS", help="the template's repository")
    _add_answers(diff)
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


def _new(options: argparse.Namespace) -> int:
    if options.folder.exists():
        options.so_far = "look which files were written"
    new(
        options.folder,
        options.data,
        address=options.template,
        ref=options.vcs_ref,
        defaults=options.defaults,
    )
    return FINE


def _plan_update(options: argparse.Namespace) -> int:
    service = options.folder.resolve()
    with rehearsed(service, options.data, options.vcs_ref) as rehearsal:
        found = plan(rehearsal)
        given_up = discarded(service, found, options.discard)
        kept = [path for path in found.lost if path not in given_up]
        sys.stdout.write(report(rehearsal, found, whole=options.diff))
        if options.apply and not kept:
            apply(service, rehearsal)
            options.so_far = "the update was carried out"
            sys.stdout.write(f"{rehearsal.message}\n")
        else:
            sys.stdout.write(f"\n{advice(found, kept)}")
    if kept:
        return LOST
    return CONFLICTS if found.conflicts else FINE


def _explain(options: argparse.Namespace) -> int:
    explanations = explain(own_template(), options.subject, options.data)
    write = as_json if options.json else as_text
    sys.stdout.write(f"{write(explanations)}\n")
    return FINE


def _diff(options: argparse.Namespace) -> int:
    form = ("--stat=100",) if options.stat else ()
    sides = (options.old, options.new)
    sys.stdout.write(render_diff(sides, options.data, options.template, *form))
    return FINE


if __name__ == "__main__":
    sys.exit(main())

"""Every check by its name: `uv run nox -l` lists them, `uv run nox -s render` runs one."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nox

from extensions.proof.covering import share
from extensions.proof.proofs import CHANGED, cache_folder, commit_of, has_passed, note_passed

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).parent

# In the order in which they are begun: those first that take longest.
TIERS = ("update", "types", "render", "toggle")
# Of these, each has the processors to itself: what they start is kept busy.
ALONE = ("run", "attached", "chaos", "fuzz", "clients")
OTHERS = "others"
"""The tests of the generator's own parts, which belong to no tier."""

# How a tier is given to pytest, where its name alone does not say it. Rows run several at once:
# see ByRow.
CALLS = {
    OTHERS: ("-m", f"not ({' or '.join((*TIERS, *ALONE))})"),
    "run": ("-m", "run", "--numprocesses", "auto", "--maxprocesses", "4"),
}

# Tests that run inside of a service.
INSIDE = ("tests/attached", "tests/devstack", "tests/fuzz", "tests/chaos", "tests/machinery")
# Of the work tree, not of the last release.
COPY_FULL = ("copier", "copy", "--quiet", "--defaults", "--vcs-ref=HEAD", "--data=preset=full")


@nox.session
def lint(session: nox.Session) -> None:
    """Lint and type-check the generator itself; `render` and `types` do it for the services."""
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")
    session.run("mypy")
    with tempfile.TemporaryDirectory() as folder:
        service = Path(folder) / "service"
        session.run(*COPY_FULL, str(ROOT), str(service))
        config = ("--config", str(service / "pyproject.toml"))
        session.run("ruff", "format", "--check", *config, *INSIDE)
        session.run("ruff", "check", *config, *INSIDE)
    github = ROOT / ".github"
    workflows = map(str, sorted((github / "workflows").glob("*.yml")))
    session.run("zizmor", "--offline", "--no-progress", "--quiet", str(github))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run(
        "check-jsonschema", "--builtin-schema", "vendor.dependabot", str(github / "dependabot.yml")
    )


@nox.session
def tests(session: nox.Session) -> None:
    """Run what a change runs: all that is rendered, and a sample of each tier that takes long.

    The sample has every choice once, and is chosen by the tree of the commit.
    """
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        run_tiers(session, [*TIERS, OTHERS, *ALONE], "--sample")


@nox.session
def proof(session: nox.Session) -> None:
    """Run all of every tier; what has passed at this commit is not run again.

    It is kept outside the work tree. --shard 1/4 runs a quarter; --strength 3 and --python 3.13 are
    for the run tier.
    """
    commit = commit_of(ROOT)
    if commit.endswith(CHANGED):
        session.warn("The work tree has changes, so that nothing is kept of what passes.")
        run_shard(session, None)
    else:
        folder = Path(os.environ.get("PROOF_DIR") or cache_folder(commit))
        session.env["PROOF_DIR"] = str(folder)
        session.log(f"What passes is kept in {folder}.")
        run_shard(session, folder)


def run_shard(session: nox.Session, folder: Path | None) -> None:
    """Run the share of the tiers that the options name; what passes is kept in `folder`."""
    tiers, options, commit = [*TIERS, OTHERS, *ALONE], list(session.posargs), commit_of(ROOT)
    if "--shard" in options:  # pytest deals out the rows; the other tiers are dealt out whole
        others = [tier for tier in tiers if tier != "run"]
        tiers = ["run", *share(others, options[options.index("--shard") + 1])]
    passed = [tier for tier in tiers if folder and has_passed(folder, tier, commit)]
    if passed:
        session.log(f"Passed at this commit already: {', '.join(passed)}.")
    rest = [tier for tier in tiers if tier not in passed]
    run_tiers(session, rest, *(["--resume"] if folder else []), rows=options, folder=folder)


class Ended(NamedTuple):
    """How a tier ended: whether all of it passed, and what pytest said last."""

    tier: str
    is_well: bool
    closing: str


def run_tiers(
    session: nox.Session,
    tiers: Sequence[str],
    *options: str,
    rows: Sequence[str] = (),
    folder: Path | None = None,
) -> None:
    """Run `tiers`; say in the end how each of them ended, and how long all took.

    Those that have the processors to themselves begin if all others have passed, which run two at
    once. `options` are for each tier, `rows` for the run tier. What passes is noted in `folder`.
    """
    began, ended, commit = time.monotonic(), list[Ended](), commit_of(ROOT)

    def run_one(tier: str) -> None:
        extra = rows if tier == "run" else ()
        now = run_tier(session, tier, *options, *extra)
        ended.append(now)
        if folder and now.is_well and tier != "run":  # whose rows are kept one by one
            note_passed(folder, tier, commit)

    light = [tier for tier in tiers if tier not in ALONE]
    alone = [tier for tier in tiers if tier in ALONE]
    session.log(f"Two at once: {', '.join(light)}. Then: {', '.join(alone)}.")
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(run_one, light))
    for tier in alone:
        if all(each.is_well for each in ended):
            run_one(tier)
    for each in ended:
        session.log(f"{each.tier}: {each.closing}")
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    session.log(f"All of it took {minutes} min {seconds} s.")
    if failed := [each.tier for each in ended if not each.is_well]:
        session.error(f"Failed, as it stands above: {', '.join(failed)}.")


def run_tier(session: nox.Session, tier: str, *options: str) -> Ended:
    """Run a tier by a pytest of its own; one that shares the processors is printed when it ends.

    Ctrl-C reaches it.
    """
    command = ["pytest", "tests", *CALLS.get(tier, ("-m", tier)), *options]
    waiting = [f"\n{shlex.join(command)}\n".encode()]
    last = b""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **{name: text for name, text in session.env.items() if text}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            waiting.append(line)
            last = line.strip() or last
            if tier in ALONE:
                write(waiting)
    write(waiting)
    return Ended(tier, process.returncode == 0, last.decode(errors="replace").strip("= "))


def write(waiting: list[bytes]) -> None:
    """Print what waits, all at once."""
    sys.stdout.buffer.write(b"".join(waiting))
    sys.stdout.flush()
    waiting.clear()


@nox.session
def render(session: nox.Session) -> None:
    """Render every combination of answers, and look at the files."""
    session.run("pytest", "tests", "-m", "render", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Type-check every distinct set of files."""
    session.run("pytest", "tests", "-m", "types", *session.posargs)


@nox.session
def update(session: nox.Session) -> None:
    """Bring services from one release to the next over a person's edits."""
    session.run("pytest", "tests", "-m", "update", *session.posargs)


@nox.session
def toggle(session: nox.Session) -> None:
    """Switch every part on and off, and compare with a fresh service."""
    session.run("pytest", "tests", "-m", "toggle", *session.posargs)


@nox.session
def run(session: nox.Session) -> None:
    """Install services, run their own tests, and start their whole stack.

    By default all rows of the 2-way array, else those of the options (--strength 3, --shard 1/4,
    --python 3.13), or the one with these answers: `nox -s run -- database=none docker=no`.
    """
    run_rows(session, *session.posargs)


def run_rows(session: nox.Session, *arguments: str) -> None:
    """Run the run tier, several services at once; answers among `arguments` make one row."""
    answers = [each for each in arguments if "=" in each and not each.startswith("-")]
    row = [f"--row={shlex.join(answers)}"] if answers else []
    others = [each for each in arguments if each not in answers]
    session.run("pytest", "tests", *CALLS["run"], *row, *others)


@nox.session
def attached(session: nox.Session) -> None:
    """Look whether the tests of each preset reach all that its service has."""
    session.run("pytest", "tests", "-m", "attached", *session.posargs)


@nox.session
def machinery(session: nox.Session) -> None:
    """Run tests/machinery inside a full service, or one with other answers, as `run` does."""
    run_rows(session, "-k", "machinery", *(session.posargs or ["--row=preset=full"]))


@nox.session
def chaos(session: nox.Session) -> None:
    """Run a service under load while its servers fail: `nox -s chaos -- -k killed` runs a part."""
    session.run("pytest", "tests", "-m", "chaos", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Send services what nobody has thought of, and look for what they give away."""
    session.run("pytest", "tests", "-m", "fuzz", *session.posargs)


@nox.session
def clients(session: nox.Session) -> None:
    """Generate clients of a running service, compile them and use them; it needs npm."""
    session.run("pytest", "tests", "-m", "clients", *session.posargs)


@nox.session
def compare(session: nox.Session) -> None:
    """Render every combination at a commit and now, and say what differs: `-- main~3`."""
    session.run("python", "-m", "tests.compare", *session.posargs)


@nox.session
def edit(session: nox.Session) -> None:
    """Render a service to edit/ whose plain files are links into template/: `-- preset=full`."""
    session.run("python", "-m", "extensions.proof.edit", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """Run the smallest and the largest service with the newest packages that they allow."""
    run_rows(session, "--row=preset=full", "--row=preset=minimal", "--versions=newest")


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the smallest and the largest service with the lowest packages that they allow."""
    run_rows(session, "--row=preset=full", "--row=preset=minimal", "--versions=lowest")


@nox.session
def certificate(session: nox.Session) -> None:
    """Write docs/certificate.json and .md of what the tiers that count have seen.

    What has passed at this commit, as by `nox -s proof`, is not run again. The options are those of
    the run tier: --strength 3 runs more rows.
    """
    proofs = str(cache_folder(commit_of(ROOT)))
    session.env["PROOF_DIR"] = proofs
    write = ("python", "-m", "extensions.proof.certificate", proofs)
    missing = str(session.run(*write, "--missing", silent=True)).split()
    run_tiers(session, [*missing, "run"], "--resume", rows=session.posargs)
    session.run(*write)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the page of options, build the documentation into site/, strictly, and test it."""
    session.run("python", "-m", "extensions.proof.options_page")
    session.run("zensical", "build", "--clean", "--strict")
    session.run("pytest", "-m", "docs", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write template/uv.lock.jinja anew: the tested versions of all that a service can have.

    `nox -s lock -- --upgrade` takes the newest versions of everything.
    """
    session.run("python", "-m", "extensions.proof.lock", *session.posargs)


@nox.session
def locks(session: nox.Session) -> None:
    """Ask uv about the lock of every combination for each lowest Python, not about a sample."""
    session.run("pytest", "tests/test_lock.py", "--strength", "3", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask which known vulnerabilities the locked packages have: those of services, and our tools.

    `nox -s audit -- --dry-run` asks nobody, and says how many packages they are.
    """
    with tempfile.TemporaryDirectory() as folder:
        service, listed = Path(folder) / "service", Path(folder) / "requirements.txt"
        session.run(*COPY_FULL, str(ROOT), str(service))
        for project in (service, ROOT):
            export = ("uv", "export", "--quiet", "--no-emit-project", "--output-file", str(listed))
            session.run(*export, "--project", str(project))
            read = ("--require-hashes", "--disable-pip", "--requirement", str(listed))
            session.run("pip-audit", "--strict", *read, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure a rendered service: `nox -s bench -- --rows health,list --rounds 3`; `-- --help`.

    `nox -s bench -- render` measures how fast services are rendered, which all rows begin with.
    """
    alone = session.posargs[:1] == ["render"]
    if alone or not session.posargs:
        session.run("python", "-m", "tests.bench.render", *session.posargs[1:])
    if not alone:
        session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Make the work tree ready to be released: `nox -s release -- 1.2.0`.

    `-- 1.2.0 --again` records that release anew, as long as it has no tag.
    """
    session.run("python", "-m", "extensions.proof.releases", *session.posargs)

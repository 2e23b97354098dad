"""Every check by its name: `uv run nox -l` lists them, `uv run nox -s render` runs one."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).parent

# In the order in which they are begun: those first that take longest.
TIERS = ("update", "types", "render", "toggle")
# Of these, each has the processors to itself: what they start is kept busy.
ALONE = ("run", "chaos", "fuzz", "clients")
OTHERS = f"not ({' or '.join((*TIERS, *ALONE))})"

# Tests that run inside of a service.
INSIDE = ("tests/devstack", "tests/fuzz", "tests/chaos", "tests/machinery")
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
    """Run every tier, as CI does, with the whole 2-way array of the run tier."""
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        side_by_side(session, [*TIERS, OTHERS])
        run_rows(session)
        chaos(session)
        fuzz(session)
        clients(session)


def side_by_side(session: nox.Session, tiers: Sequence[str]) -> None:
    """Run each of `tiers` by a pytest of its own, two at once; each is printed when it ends.

    Ctrl-C reaches the two that run; the others are not begun then.
    """

    def run_tier(tier: str) -> bool:
        done = subprocess.run(
            ["pytest", "tests", "-m", tier],
            check=False,
            cwd=ROOT,
            env={**os.environ, **{name: text for name, text in session.env.items() if text}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        heading = f"\npytest tests -m {shlex.quote(tier)}\n"
        sys.stdout.buffer.write(heading.encode() + done.stdout)
        sys.stdout.flush()
        return done.returncode == 0

    session.log(f"pytest -m, two at once: {', '.join(tiers)}")
    with ThreadPoolExecutor(max_workers=2) as pool:
        passed = list(pool.map(run_tier, tiers))
    failed = [tier for tier, is_well in zip(tiers, passed, strict=True) if not is_well]
    if failed:
        session.error(f"Failed, as it stands above: {', '.join(failed)}.")


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
    at_once = ["--numprocesses", "auto", "--maxprocesses", "4"]  # see ByRow
    session.run("pytest", "tests", "-m", "run", *at_once, *row, *others)


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
    """Run the tiers that count, and write docs/certificate.json and .md of what they saw.

    What has passed at this commit is kept in .proof and not run again. The options are those of
    the run tier: --strength 3 runs more rows.
    """
    session.env["PROOF_DIR"] = proof = str(ROOT / ".proof")
    write = ("python", "-m", "extensions.proof.certificate", proof)
    missing = session.run(*write, "--missing", silent=True)
    side_by_side(session, str(missing).split())
    run_rows(session, "--resume", *session.posargs)
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

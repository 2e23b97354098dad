"""Where the template is, and what is said where it cannot be used."""

import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from copier.errors import CopierError, InteractiveSessionError, UnsafeTemplateError
from plumbum import ProcessExecutionError

from extensions.commands.copier_parts import Worker
from extensions.commands.git import GitError
from extensions.commands.given_answers import UsageError, sentence
from extensions.commands.releases import recorded, unpack

NAME = "fastapi-service-template"
HERE = Path(__file__).parent
CLONE = HERE.parents[1]
BUNDLED = HERE / "bundled"


def own_template() -> Path:
    """Return the template that came with these commands: of the clone, or of the wheel."""
    return BUNDLED if BUNDLED.exists() else CLONE


@contextmanager
def silence() -> Iterator[None]:
    """Keep to itself what Copier remarks: the commands say what a person must know."""
    with redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def sentences(runs_code: str) -> Iterator[None]:
    """Turn what Copier and git raise into one sentence each; `runs_code` where trust is needed."""
    try:
        yield
    except KeyboardInterrupt:  # one of Copier's own errors is that as well
        raise KeyboardInterrupt from None
    except UnsafeTemplateError as error:
        raise UsageError(runs_code) from error
    except (InteractiveSessionError, EOFError) as error:
        raise UsageError("There is no terminal to ask on; add --defaults.") from error
    except ProcessExecutionError as error:
        raise UsageError(f"Git failed: {sentence(Exception(error.stderr))}") from error
    except (CopierError, GitError, ValueError) as error:
        raise UsageError(sentence(error)) from error


@contextmanager
def version(address: str | None, ref: str) -> Iterator[Path]:
    """Yield the folder of a version of the template.

    Args:
        address: where the template's repository is, as Copier understands it; by default, and only
            in a clone, that clone. `HEAD` of a folder is with what is not committed there.

    Raises:
        UsageError: there is no such repository or version.
    """
    if address is None and not (CLONE / ".git").exists():
        raise UsageError("Say whose versions with --template, as in --template gh:OWNER/REPO.")
    source = address or str(CLONE)
    releases = {release.tag: release for release in recorded(CLONE)} if address is None else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        silence(),
        Worker(src_path=source, dst_path=Path(folder), vcs_ref=ref, quiet=True) as worker,
    ):
        if ref in releases:  # a clone may lack the tag
            yield unpack(releases[ref], Path(folder, "release"))
            return
        try:
            template = worker.template.local_abspath
        except (ProcessExecutionError, ValueError) as error:
            raise UsageError(f"{source} has no version {ref}; `git tag` lists some.") from error
        if worker.template.vcs != "git":
            raise UsageError(f"{source} is not a git repository, so it has no versions.")
        yield template

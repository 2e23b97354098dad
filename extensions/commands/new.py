"""Scaffolds a service as `copier copy` does, and says what is wrong in one sentence."""

import json
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

import copier
from plumbum import ProcessExecutionError

from extensions.commands.copier_parts import SettingsModel, Worker
from extensions.commands.given_answers import UsageError, chosen, given
from extensions.commands.source import CLONE, NAME, sentences, silence


def new(
    destination: Path,
    pairs: Sequence[str],
    *,
    address: str | None = None,
    ref: str | None = None,
    defaults: bool = False,
) -> None:
    """Write a service into `destination`, of the answers `pairs`, each `question=answer`.

    Args:
        address: the template's repository; by default the one that these commands come from.
        ref: a tag, branch or commit of it; the newest release by default.
        defaults: ask nobody what `pairs` do not answer.

    Raises:
        UsageError: an answer or the address is wrong, or the folder cannot be written.
    """
    there = destination.exists()
    source, installed = (address, None) if address else _origin()
    with (
        sentences("This version of the template runs code while it copies, which is not allowed."),
        Worker(
            src_path=source,
            dst_path=destination,
            vcs_ref=ref or installed,
            defaults=defaults,
            settings=SettingsModel(defaults=dict(copier.load_settings().defaults)),
        ) as worker,
    ):
        with silence():
            template = _local(worker, source)
            if not (template / "copier.yml").is_file():
                raise UsageError(f"{source} is no template; give a repository with a copier.yml.")
            worker.data.update((given if defaults else chosen)(template, pairs))
        try:
            worker.run_copy()
        except OSError as error:
            raise UsageError(f"{destination} cannot be written: {error}.") from error
        except KeyboardInterrupt:
            if not there:
                shutil.rmtree(destination, ignore_errors=True)
            raise


def _local(worker: Worker, source: str) -> Path:
    try:
        return worker.template.local_abspath
    except (ProcessExecutionError, ValueError) as error:
        wanted = f"{worker.vcs_ref} of {source}" if worker.vcs_ref else source
        raise UsageError(
            f"{wanted} cannot be had; look at the address, the version and the network."
        ) from error


def _origin() -> tuple[str, str | None]:
    """Return the repository that these commands come from, and the version that was asked for.

    Raises:
        UsageError: they come from none.
    """
    if (CLONE / ".git").exists():
        return str(CLONE), None
    try:
        recorded = json.loads(distribution(NAME).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        recorded = {}
    url = recorded.get("url", "")
    if "vcs_info" in recorded:
        return f"git+{url}", recorded["vcs_info"].get("requested_revision")
    folder = Path(unquote(urlsplit(url).path))
    if url and (folder / ".git").exists():
        return str(folder), None
    raise UsageError("Say which template with --template, as in --template gh:OWNER/REPO.")

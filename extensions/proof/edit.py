"""Renders a service whose plain files are links into template/, so that tools work there.

`uv run nox -s edit -- preset=full` writes it to edit/. A change of a linked file is one of the
template. Run again, it refreshes what is rendered. It never deletes an edit: it names the file, and
says where that belongs.
"""

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from extensions.commands.catalogue import Answer, resolve
from extensions.commands.given_answers import UsageError, given
from extensions.commands.rendering import rendered

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "edit"
RECORD = ".edit.json"  # in the folder: the digest of each file that was rendered into it
OVERLAY = re.compile(r"\{\{ (\w+) \}\}")
SUFFIX = ".jinja"
# Written by tools, or the reader's own.
LEFT_ALONE = re.compile(
    r"(^|/)(\.venv|\.git|\.devstack|\.\w+_cache|__pycache__|[^/]+\.egg-info)/|^\.env\.(?!example$)"
)


def edit(template: Path, answers: Mapping[str, Answer], folder: Path) -> list[str]:
    """Write the service with `answers` to `folder`, and return a line for each edit that it kept.

    Args:
        template: the folder of copier.yml.
        folder: made if it is missing; what an earlier call has put there is refreshed.
    """
    files = rendered(template, answers).files
    sources = linked(template, answers)
    record = folder / RECORD
    before: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    now: dict[str, str] = {}
    kept = []
    for path in sorted(there(folder) - files.keys()):
        place = folder / path
        if place.is_symlink() or before.get(path) == digest(place.read_bytes()):
            place.unlink()
            _remove_empty(place.parent, folder)
        else:
            kept.append(f"{path} is yours: move it to {_home(path)}.")
    for path, contents in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        found = place.read_bytes() if place.is_file() and not place.is_symlink() else None
        is_new = found is None or digest(found) == before.get(path)
        if LEFT_ALONE.search(path):
            if found is None:
                place.write_bytes(contents)
        elif path in sources and (is_new or found == contents):
            _link(place, sources[path])
        elif is_new or found == contents:
            place.unlink(missing_ok=True)  # a link would lead into the template
            place.write_bytes(contents)
            now[path] = digest(contents)
        elif path in sources:
            source = sources[path].relative_to(template).as_posix()
            kept.append(f"{path} is no link any more: move it to {source}.")
        else:
            kept.append(f"{path} has changed: make the change in {_source(template, path)}.")
            now |= {path: before[path]} if path in before else {}
    record.write_text(json.dumps(now, indent=1))
    return kept


def linked(template: Path, answers: Mapping[str, Answer]) -> dict[str, Path]:
    """Return the file of the template that each plain file of a service with `answers` is."""
    values = resolve(template, answers)
    folder = template / "template"
    found = {}
    for path in folder.rglob("*"):
        overlay = OVERLAY.fullmatch(path.relative_to(folder).parts[0])
        if path.suffix == SUFFIX or not path.is_file() or (overlay and not values[overlay[1]]):
            continue
        inner = path.relative_to(folder / overlay[0] if overlay else folder)
        found[inner.as_posix()] = path
    return found


def there(folder: Path) -> set[str]:
    """Return the files of `folder`, but for what tools write."""
    return {path for path in _walk(folder) if path != RECORD and not LEFT_ALONE.search(path)}


def digest(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


def _walk(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        inner = Path(parent).relative_to(folder)
        folders[:] = [each for each in folders if not LEFT_ALONE.search(f"{each}/")]
        yield from ((inner / name).as_posix() for name in names)


def _link(place: Path, source: Path) -> None:
    target = os.path.relpath(source, place.parent)
    if not place.is_symlink() or str(place.readlink()) != target:
        place.unlink(missing_ok=True)
        place.symlink_to(target)


def _home(path: str) -> str:
    return f"template/{path}, or to the overlay of its answer, template/{{{{ in_… }}}}/{path}"


def _source(template: Path, path: str) -> str:
    folder = template / "template"
    named = (each for each in folder.rglob(f"*{SUFFIX}") if each.is_file())
    for source in sorted(named):
        parts = source.relative_to(folder).parts
        inner = parts[1:] if OVERLAY.fullmatch(parts[0]) else parts
        if "/".join(inner).removesuffix(SUFFIX) == path:
            return source.relative_to(template).as_posix()
    return "template/"


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the service to edit/; return 1 where it found edits that belong elsewhere."""
    parser = argparse.ArgumentParser(description="Render a service that is edited in the template.")
    parser.add_argument("answers", nargs="*", help="as in preset=full database=none")
    try:
        answers = given(ROOT, parser.parse_args(arguments).answers)
    except UsageError as error:
        parser.error(str(error))
    kept = edit(ROOT, answers, FOLDER)
    sys.stdout.write("".join(f"{FOLDER.name}/{line}\n" for line in kept))
    print(f"The service is in {FOLDER.name}/; its files without Jinja are links into template/.")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())

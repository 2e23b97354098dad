"""A plan as a person reads it."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from extensions.commands.git import difference
from extensions.commands.plan_update import Plan
from extensions.commands.rehearsal import Rehearsal


def report(rehearsal: Rehearsal, found: Plan, *, whole: bool) -> str:
    """Return what the update does; with `whole`, the lost edits as a patch as well."""
    parts = [_heading(rehearsal)]
    sections = (
        ("New files", found.comes),
        ("Changed", found.changes),
        ("Changed, and your edits stay", found.merges),
        ("Deleted; you did not edit them", [_arrow(found, path) for path in found.goes]),
        ("CONFLICTS: both sides changed the same lines, and the file shows both", found.conflicts),
        ("LOST, your edits with them", list(_lost(rehearsal, found))),
        ("Deleted by you; they stay so", list(_deleted(found))),
        (
            "Moved by you, so that the template's changes do not arrive; make them there",
            [f"{old} → {new}" for old, new in found.moved.items()],
        ),
        (
            "Your own files, which stay where the template has nothing any more",
            [path for paths in found.remains.values() for path in paths],
        ),
        ("Imports in your own files that the update breaks; change them", list(_imports(found))),
    )
    for title, lines in sections:
        if lines:
            parts.append("\n".join((f"{title} ({len(lines)})", *(f"  {line}" for line in lines))))
    if found.lost:
        parts.append(_edits(rehearsal, found, "--stat").rstrip())
    if whole and (found.lost or found.moved):
        parts.append((_edits(rehearsal, found) + _missed(rehearsal, found)).rstrip())
    if found.tables:
        parts.append(
            f"A migration may be due, for {', '.join(found.tables)} define tables: after the "
            f"update, `uv run {rehearsal.recorded[1].get('project_slug')} migrate --check` tells."
        )
    if not any(lines for _, lines in sections[:6]):
        parts.append("No file changes.")
    return "\n\n".join(parts) + "\n"


def _heading(rehearsal: Rehearsal) -> str:
    old, new = rehearsal.recorded
    lines = [f"Update from {old['_commit']} to {new['_commit']}"]
    for name in sorted({*old, *new} - {"_commit", "_src_path"}):
        if old.get(name) != new.get(name):
            lines.append(
                f"  {name}: {old.get(name, '(not asked)')} → {new.get(name, '(not asked)')}"
            )
    return "\n".join(lines)


def _arrow(found: Plan, path: str) -> str:
    return f"{path} → {found.renamed[path]}" if path in found.renamed else path


def _lost(rehearsal: Rehearsal, found: Plan) -> Iterator[str]:
    for path in found.lost:
        if path in found.renamed:
            new = found.renamed[path]
            yield f"{path} → {new}: your edit is not carried over; make it there"
        elif path in rehearsal.after:
            yield f"{path}: overwritten"
        else:
            yield path
            yield from _told(rehearsal.changelog, path)


def _told(changelog: str, path: str) -> Iterator[str]:
    """Yield what the changelog says of a path."""
    for line in changelog.splitlines():
        if f"`{path}`" in line:
            yield f"    changelog: {line.strip().lstrip('-* ')}"


def _deleted(found: Plan) -> Iterable[str]:
    for path, changed in found.stays_deleted.items():
        yield f"{path}: the template changed it" if changed else path


def _imports(found: Plan) -> Iterator[str]:
    for path, names in found.imports.items():
        for name, new in names.items():
            yield f"{path}: {name} {f'is now {new}' if new else 'is gone'}"


def _edits(rehearsal: Rehearsal, found: Plan, *options: str) -> str:
    """Return the lost edits; of a file that is renamed, as a patch of the new one."""
    old, edited = {}, {}
    for path in found.lost:
        name = path if options else found.renamed.get(path, path)
        if path in rehearsal.written:
            old[name] = rehearsal.written[path]
        edited[name] = rehearsal.before[path].contents
    return difference(old, edited, *options)


def _missed(rehearsal: Rehearsal, found: Plan) -> str:
    """Return what the template changed in files that the person moved, as a patch of these."""
    return difference(
        {new: rehearsal.written[old] for old, new in found.moved.items()},
        {new: rehearsal.renewed[old] for old, new in found.moved.items()},
    )


def advice(found: Plan, kept: Sequence[str]) -> str:
    """Return how to go on from a plan in which the edits of `kept` would be lost."""
    options = shlex.join(
        ["--apply", *(part for path in found.lost for part in ("--discard", path))]
    )
    if kept:
        return (
            "Nothing was changed. Make these edits elsewhere (--diff prints them), "
            f"or give them up; then run this command again with\n  {options}\n"
        )
    return f"Nothing was changed. To carry it out, run this command again with\n  {options}\n"

"""What a person does with a service, to see whether updates leave it alone."""

import itertools
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from extensions.commands.catalogue import Answer
from extensions.proof.releases import changes
from tests.history import edit
from tests.rendering import ROOT, git, run_copier

ANCHOR = "# yours below\n"
DECLARED = re.compile(r"^class Example.+?(?=^\S)|^EXAMPLE_[^\n]+\n", re.MULTILINE | re.DOTALL)
RECIPE = re.compile(r"^ +cp -r app/features/example .+?(?=^ +```)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of a file that the template wrote.

    Attributes:
        path: the file; the edit is left out where the service does not have it.
        places: texts to look for; the first that is there is the place.
        text: what is put after that place.
    """

    path: str
    places: tuple[str, ...]
    text: str


EDITS = (
    Edit(
        "app/features/example/routers.py",
        ("from fastapi import APIRouter, Request, Response\n",),
        "from loguru import logger\n",
    ),
    Edit(
        "app/features/example/routers.py",
        ('    """Store a new example; Location says where it is."""\n',),
        '    logger.info("A new example is called {}", data.name)\n',
    ),
    Edit(
        "app/features/example/services.py",
        ('        """Store a new example; raises `ExampleNameTaken`."""\n',),
        '        data = data.model_copy(update={"name": data.name.strip()})\n',
    ),
    Edit(
        "app/core/config.py",
        ("from pydantic import ValidationError\n",),
        "from pydantic.fields import Field\n",
    ),
    Edit(
        "app/core/config.py",
        (f"    {ANCHOR}",),
        "    NEWSLETTER_SENDER: str | None = Field(\n"
        "        None,\n"
        '        description="the address that newsletters come from.",\n'
        "    )\n",
    ),
    Edit(
        ".env.example",
        (ANCHOR,),
        "# Whom newsletters come from\n# NEWSLETTER_SENDER=news@example.com\n",
    ),
    Edit("pyproject.toml", ('    "orjson>=3.13.0",\n',), '    "packaging>=24.0",\n'),
    Edit("pyproject.toml", ("xfail_strict = true\n",), 'markers = ["ours: tests of our own"]\n'),
    Edit("README.md", ("## Production\n",), "\nAsk the operators before you deploy.\n"),
    Edit(
        "compose.yaml",
        ("services:\n",),
        "  mailpit:\n    image: axllent/mailpit\n    restart: unless-stopped\n\n",
    ),
    Edit(".gitignore", ("__pycache__/\n",), "/newsletters/\n"),
)
NEW_FILES = {
    "app/features/newsletter/__init__.py": '"""Newsletters."""\n',
    "docs/newsletters.md": "# Newsletters\n\nThey leave on Mondays.\n",
    "tests/test_newsletters.py": (
        "import pytest\n\nfrom app.core.config import Settings\n\n\n"
        "@pytest.mark.ours\n"
        "def test_newsletters_need_no_sender() -> None:\n"
        '    assert Settings.model_fields["NEWSLETTER_SENDER"].default is None\n'
    ),
}
MODEL = '''"""Newsletters in the database."""

from uuid import UUID, uuid4

from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class Newsletter(Base):
    """One newsletter."""

    __tablename__ = "newsletters"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    title: Mapped[str]
'''
MOVED_MODULE = re.compile(r"^\| `([\w/]+)\.py` \| `([\w/]+)\.py` \|$", re.MULTILINE)
OWN_FOLDERS = ("app/features/order", "tests/features/order")  # as README.md has it
DELETED = ".pre-commit-config.yaml"


def scaffold(
    source: str | Path,
    folder: Path,
    answers: Mapping[str, Answer] | None = None,
    *options: str,
) -> Path:
    """Scaffold a service below `folder` with the command, and commit it."""
    data = [part for name, answer in (answers or {}).items() for part in ("-d", f"{name}={answer}")]
    done = run_copier("copy", "--defaults", *data, *options, source, "service", folder=folder)
    assert done.returncode == 0, done.stderr
    service = folder / "service"
    git(service, "init", "--quiet")
    commit(service, "Scaffold")
    return service


def commit(service: Path, message: str) -> None:
    """Commit all that there is."""
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", message)


def update(service: Path, *options: str) -> str:
    """Update from inside the service, without a conflict, and return what was said."""
    done = run_copier("update", "--defaults", *options, folder=service)
    assert done.returncode == 0, done.stderr
    assert git(service, "ls-files", "--unmerged") == "", git(service, "diff")
    assert not list(service.rglob("*.rej"))
    return done.stderr


def work(service: Path) -> dict[str, list[str]]:
    """Do a person's work in a service, and return the lines of it by file.

    It fails where a place for an edit is gone: give `EDITS` the one of the new release.
    """
    kept: dict[str, list[str]] = {}
    for each in EDITS:
        if (service / each.path).exists():
            put_after(service / each.path, each.places, each.text)
            kept.setdefault(each.path, []).extend(each.text.splitlines())
    files = dict(NEW_FILES)
    if (service / "app/core/database.py").exists():
        files["app/features/newsletter/models.py"] = MODEL
    for name, text in files.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text)
        kept[name] = text.splitlines()
    (service / DELETED).unlink()
    copied = copy_the_example(service) if (service / "app/features/example").exists() else ()
    for name, text in copied:
        kept.setdefault(name, []).extend(text.splitlines())
    return kept


def put_after(path: Path, places: tuple[str, ...], text: str) -> None:
    """Put `text` after the first of `places` that the file has."""
    there = [place for place in places if place in path.read_text(encoding="utf-8")]
    assert there, f"{path} has none of {places}"
    edit(path, lambda old: old.replace(there[0], there[0] + text, 1))


def copy_the_example(service: Path) -> Iterator[tuple[str, str]]:
    """Make a feature as the service's README says, and yield what is written into which file."""
    recipe = RECIPE.search((service / "README.md").read_text(encoding="utf-8"))
    assert recipe, "README.md does not say how the example is copied"
    subprocess.run(["bash", "-euc", recipe[0]], cwd=service, check=True)
    for folder in OWN_FOLDERS:
        for path in sorted((service / folder).rglob("*.py")):
            yield path.relative_to(service).as_posix(), path.read_text(encoding="utf-8")

    routers = (service / "app/api.py").read_text(encoding="utf-8")
    of_routers = r"^from app\.(?:common\.security|features\.example)\b.*\n"
    imports = re.findall(of_routers, routers, re.MULTILINE)
    included = re.findall(r"^\w+\.include_router\(.*\bexample\w*\)+\n", routers, re.MULTILINE)
    yield _below(service, "app/api.py", [*imports, "\n", *included])
    if (service / "app/events/schemas.py").exists():
        for name in ("app/events/schemas.py", "app/events/subjects.py"):
            written = (service / name).read_text(encoding="utf-8").replace(ANCHOR, "#")
            lines = re.findall(r"^from (?:app\.events|uuid)\b.+\n", written, re.MULTILINE)
            imports = ["\n".join(lines)]  # with a line between Python's own and the service's
            space = ["\n\n"] if lines else []
            yield _below(service, name, [*imports, *space, *DECLARED.findall(written)])


def _below(service: Path, name: str, parts: list[str]) -> tuple[str, str]:
    text = "".join(parts).rstrip() + "\n"
    own = text.replace("example", "order").replace("Example", "Order").replace("EXAMPLE", "ORDER")
    put_after(service / name, (ANCHOR,), own)
    return name, own


def follow_the_changelog(service: Path, release: str) -> None:
    """Import what has moved since `release` from where CHANGELOG.md says that it is now."""
    notes = changes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    newer = "".join(itertools.takewhile(lambda note: note != notes[release], notes.values()))
    moved = [[name.replace("/", ".") for name in pair] for pair in MOVED_MODULE.findall(newer)]
    for folder in OWN_FOLDERS:
        for path in (service / folder).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            for old, new in moved:
                text = text.replace(f"{old} ", f"{new} ")
            path.write_text(text, encoding="utf-8")

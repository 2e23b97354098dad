"""Write the files of a fresh clone: `.env.development`, and the name in pyproject.toml."""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter, ValidationError

from app.core.config import Settings

SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
PLAIN_VALUE = re.compile(r"[\w.,:/@+-]*", re.ASCII)


class SetupError(Exception):
    """The project cannot be set up. The text names the reason and the fix; nothing was written."""


def write_project_files(root: Path, names: Mapping[str, str], *, force: bool) -> list[str]:
    """Write `.env.development` with a random SECRET_KEY, and the name into pyproject.toml.

    Args:
        root: the project's folder.
        names: values of settings by name, such as `PROJECT_NAME`; the others keep the values of
            `.env.example`.
        force: whether to replace an existing `.env.development`.

    Returns:
        A line for each change.

    Raises:
        SetupError: a name is invalid, or a file already exists or is missing.
    """
    for name, value in names.items():
        _require_valid(name, value)
    environment_file = root / ".env.development"
    if environment_file.exists() and not force:
        raise SetupError(
            f"{environment_file} already exists and was not changed. "
            "Use --force to replace it; its SECRET_KEY is lost then.",
        )
    values = {**names, "SECRET_KEY": secrets.token_hex(32)}
    contents = {environment_file: _filled_in(_read(root / ".env.example"), values)}
    done = [f"Wrote {environment_file} with a random SECRET_KEY."]

    slug = _slug(names["PROJECT_NAME"]) if "PROJECT_NAME" in names else None
    if slug is not None:
        project_file = root / "pyproject.toml"
        contents[project_file] = _renamed(_read(project_file), slug)
        done.append(f"Named the project {slug} in {project_file}.")
    elif "PROJECT_NAME" in names:
        done.append("pyproject.toml was not changed: the name has no Latin letters.")
    _write_together(contents)
    return done


def _require_valid(name: str, value: str) -> None:
    field = Settings.model_fields[name]
    try:
        TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise SetupError(
            f"{value!r} will not do as {name}: {reason}. Expected: {field.description}",
        ) from None
    if not value.strip() or not value.isprintable():
        raise SetupError(f"{value!r} will not do as {name}: it has to be one line of text.")


def _slug(project_name: str) -> str | None:
    """Return the name for packages and commands, or None if no character can be used."""
    ascii_name = unicodedata.normalize("NFKD", project_name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower())[:40].strip("-")
    return slug if SLUG.fullmatch(slug) else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} cannot be read: {error}.") from None


def _filled_in(example: str, values: Mapping[str, str]) -> str:
    """Return `example` with the lines of `values` replaced, including commented-out ones."""
    for name, value in values.items():
        line = re.search(rf"(?m)^(?:# ?)?{name}=.*$", example)
        if line is None:
            raise SetupError(f".env.example has no line for {name}; add one.")
        example = f"{example[: line.start()]}{name}={_quoted(value)}{example[line.end() :]}"
    return example


def _quoted(value: str) -> str:
    if PLAIN_VALUE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    # ${NAME} is expanded also in quotes; ${:-$} is a dollar sign.
    escaped = escaped.replace("${", "${:-$}{")
    return f"'{escaped}'"


def _renamed(pyproject: str, slug: str) -> str:
    """Return pyproject.toml with the project and its command renamed to `slug`."""
    section = re.search(r"(?ms)^\[project\]$.*?(?=^\[|\Z)", pyproject)
    name = re.search(r'(?m)^name = "([^"]*)"', section.group()) if section else None
    if section is None or name is None:
        raise SetupError('pyproject.toml has no line `name = "…"` below [project]; add one.')
    start = section.start() + name.start(1)
    end = section.start() + name.end(1)
    pyproject = f"{pyproject[:start]}{slug}{pyproject[end:]}"
    old_command = rf'(?m)^{re.escape(name[1])}(?= = "app\.cli:main")'
    return re.sub(old_command, slug, pyproject)


def _write_together(contents: Mapping[Path, str]) -> None:
    """Write temporary files first, so that a full disk leaves the old files intact."""
    folder = next(iter(contents)).parent
    try:
        with TemporaryDirectory(prefix=".setup-", dir=folder) as drafts:
            for path, text in contents.items():
                draft = Path(drafts, path.name)
                draft.write_text(text, encoding="utf-8", newline="\n")
                draft.chmod(path.stat().st_mode if path.exists() else 0o600)
            for path in contents:
                Path(drafts, path.name).replace(path)
    except OSError as error:
        raise SetupError(f"The files cannot be written: {error}.") from error

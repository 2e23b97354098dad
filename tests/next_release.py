"""A next release that nobody has made, so that the update tier has work from the first day on.

It is the template of the work tree with one change of each kind that releases bring. A change finds
its place by the text there, and fails with a sentence where that has gone: give it another place.
"""

import json
import re
import shutil
from pathlib import Path

from tests.history import NEXT, edit, find
from tests.rendering import git

MOVED_INTO_ANOTHER_OVERLAY = "app/common/file_types.py"
RENAMED = ("app/common/security_headers.py", "app/common/response_headers.py")
DELETED = "tests/common/test_pagination.py"
FIXED = "app/core/errors.py"
NEW_PACKAGE = "cachetools"
RENAMED_SETTING = ("HEALTH_TIMEOUT", "READINESS_TIMEOUT")
NEW_QUESTION = "editor"
LINES = {
    ".gitignore": ("*.egg-info/\n", "*.egg*/\n"),
    ".pre-commit-config.yaml": ("        name: mypy\n", "        name: mypy, strictly\n"),
    "README.md": ("## Updates\n", "## Newer versions\n"),
    "app/features/example/routers.py": ('"""The routes of examples."""', '"""What examples do."""'),
}
"""What some lines of a file were, and are."""

# What uv writes for it, with the hashes of PyPI.
LOCKED = """\
name = "cachetools"
version = "8.0.2"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/packages/75/28/eb1ac766e4c0c439506a654186de8e2cfcd99035218a9393986103a0fdf0/cachetools-8.0.2.tar.gz", hash = "sha256:30ac523adfc118b51d2b2e7bad8a0ddb31370dfe2700c7f10ca224f36ccf81e0", size = 51441, upload-time = "2026-11-18T21:18:28Z" }
wheels = [
    { url = "https://files.pythonhosted.org/packages/f6/35/0dca79b22cd3ad3fc4bfbd91ea85f259903e7ce5fe956647916df8f691f4/cachetools-8.0.2-py3-none-any.whl", hash = "sha256:502bf3c17c6e35d78ccdaa70da8c7001b28634541f5cde0dee33c93bb252277d", size = 19334, upload-time = "2026-11-18T21:18:26Z" },
]
"""  # noqa: E501
QUESTION = """\
editor:
  type: str
  help: What do editors read?
  choices:
    EditorConfig: editorconfig
    nothing: none
  default: "{{ 'editorconfig' if preset == 'full' and not is_update else 'none' }}"
  ask: "{{ preset == 'custom' }}"

"""
OVERLAY = """\
in_editorconfig: { type: str, when: false, default: "{{ '.' if editor != 'none' else '' }}" }
"""


def publish_next(repository: Path) -> Path:
    """Commit and tag the next release in `repository`, whose work tree is the last one."""
    move_into_another_overlay(repository)
    rename_a_module(repository)
    find(repository, DELETED).unlink()
    need_another_package(repository)
    rename_a_setting(repository)
    ask_another_question(repository)
    change_lines(repository)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--message", NEXT)
    git(repository, "tag", NEXT)
    return repository


def move_into_another_overlay(repository: Path) -> None:
    """Have every service get a file at its path that only some got, changed at its end."""
    old = find(repository, MOVED_INTO_ANOTHER_OVERLAY)
    new = repository / "template" / MOVED_INTO_ANOTHER_OVERLAY
    assert old != new, f"{MOVED_INTO_ANOTHER_OVERLAY} is in no overlay; choose a file that is."
    shutil.move(old, new)
    edit(new, lambda text: f"{text}\n\n# a fix\n")


def rename_a_module(repository: Path) -> None:
    """Move a module to another path, and change the imports of it."""
    old, new = RENAMED
    path = find(repository, old)
    path.rename(path.with_name(Path(new).name))
    replace_everywhere(repository, module(old), module(new))


def module(path: str) -> str:
    """Return how the module at `path` is imported."""
    return path.removesuffix(".py").replace("/", ".")


def need_another_package(repository: Path) -> None:
    """Declare a dependency, and lock it."""
    requirement = f"{NEW_PACKAGE}>=8.0.0"
    declared = '{% call requirements("dependencies") %}\n'
    replace(repository, "pyproject.toml", declared, f'{declared}    "{requirement}",\n')
    lock = find(repository, "uv.lock")
    text = lock.read_text(encoding="utf-8")
    for mapping, value in (("brings", {requirement: [NEW_PACKAGE]}), ("needs", {NEW_PACKAGE: []})):
        begun = f"{{% set {mapping} = {{\n"
        text = replaced(text, begun, f"{begun}    {json.dumps(value)[1:-1]},\n", "uv.lock")

    # What uv writes is in alphabetical order: the package's own entry, and what the service needs.
    packages = re.finditer(r'^{% if "([\w-]+)" in locked %}\n\n\[\[package\]\]$', text, re.M)
    later = [each.start() for each in packages if each[1] > NEW_PACKAGE]
    assert later, "uv.lock has its packages otherwise: see tests/next_release.py."
    text = f"{text[: later[0]]}\n[[package]]\n{LOCKED}{text[later[0] :]}"
    needs = [*re.finditer(r'^{% if "fastapi>=.+ in declared\["dependencies"\] %}$', text, re.M)]
    assert len(needs) == 2, "uv.lock has other lines for fastapi: see tests/next_release.py."
    listed = (f'name = "{NEW_PACKAGE}"', f'name = "{NEW_PACKAGE}", specifier = ">=8.0.0"')
    for place, entry in reversed([*zip(needs, listed, strict=True)]):
        text = f"{text[: place.start()]}    {{ {entry} }},\n{text[place.start() :]}"
    lock.write_text(text, encoding="utf-8")


def rename_a_setting(repository: Path) -> None:
    """Give a setting another name; the old one is still read."""
    old, new = RENAMED_SETTING
    replace_everywhere(repository, old, new)
    example = f"# {new}="
    replace(repository, ".env.example", example, f"# It was {old}, which is still read\n{example}")
    settings = "app/core/settings/core.py"
    alias = f'        validation_alias=AliasChoices("{new}", "{old}"),\n'
    field = f"    {new}: Seconds = Field(\n        2,\n"
    replace(repository, settings, "import Field,", "import AliasChoices, Field,")
    replace(repository, settings, field, field + alias)


def ask_another_question(repository: Path) -> None:
    """Ask for a part that only new services get without being asked."""
    config = repository / "copier.yml"
    text = config.read_text(encoding="utf-8")
    for place, added in (("\nexample_module:\n", QUESTION), ("\nin_auth:", OVERLAY)):
        text = replaced(text, place, f"\n{added}{place[1:]}", "copier.yml")
    config.write_text(text, encoding="utf-8")
    path = repository / "template/{{ in_editorconfig }}/.editorconfig"
    path.parent.mkdir()
    path.write_text("root = true\n")


def change_lines(repository: Path) -> None:
    """Change lines where a person has some beside them, and where not."""
    for path, (old, new) in LINES.items():
        replace(repository, path, old, new)
    edit(find(repository, FIXED), lambda text: f"{text}\n\n# a fix\n")


def replace(repository: Path, path: str, old: str, new: str) -> None:
    """Replace the first `old` in the file of the template that becomes `path`."""
    edit(find(repository, path), lambda text: replaced(text, old, new, path))


def replace_everywhere(repository: Path, old: str, new: str) -> None:
    """Replace a word in every file of the template."""
    word = re.compile(rf"\b{re.escape(old)}\b")
    texts = {}
    for folder in ("template", "parts"):
        for path in filter(Path.is_file, (repository / folder).rglob("*")):
            text = path.read_bytes().decode("utf-8", "replace")
            if word.search(text):
                texts[path] = word.sub(new, text)
    assert texts, f"The template has no {old} any more: give tests/next_release.py another."
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def replaced(text: str, old: str, new: str, path: str) -> str:
    """Return `text`, which is of `path`, with `new` for the first `old`."""
    assert old in text, f"{path} has no {old!r} any more: give tests/next_release.py another place."
    return text.replace(old, new, 1)

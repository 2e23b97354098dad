"""Which imports of a person's own modules an update breaks, because the template moved a module."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath


def broken_imports(
    before: Mapping[str, bytes], after: Mapping[str, bytes], renewed: Mapping[str, bytes]
) -> dict[str, list[str]]:
    """Return the imported modules and names that an update takes away, by the file that has them.

    Args:
        before: the contents of a service's files by path.
        after: the same when it is updated.
        renewed: what the template writes; a file that is the same there is not the person's.
    """
    broken = {}
    for path, text in sorted(after.items()):
        if path.endswith(".py") and text != renewed.get(path):
            tree = _parsed(text) or _parsed(before.get(path, b""))
            found = {name for name in _imported(path, tree) if _is_gone(name, before, after)}
            # Who imports b from a module a that is gone misses a.b as well; a says enough.
            outer = {name for name in found if not any(name.startswith(f"{o}.") for o in found)}
            if outer:
                broken[path] = sorted(outer)
    return broken


def _imported(path: str, tree: ast.Module | None) -> Iterator[str]:
    """Yield what a module imports, each a dotted name: `a.b` of `import a.b`, `from a import b`."""
    package = PurePosixPath(path).parent.parts
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *(node.module or "").split("."))).strip(".")
            yield module
            yield from (f"{module}.{name.name}" for name in node.names if name.name != "*")


def _is_gone(name: str, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
    return _exists(name, before) and not _exists(name, after)


def _exists(name: str, files: Mapping[str, bytes]) -> bool:
    """Return whether `name` is a module, or what a module of these files defines."""
    path = name.replace(".", "/")
    if f"{path}.py" in files or any(file.startswith(f"{path}/") for file in files):
        return True
    module, _, last = path.rpartition("/")
    text = files.get(f"{module}.py", files.get(f"{module}/__init__.py"))
    return text is not None and last in _defined(text)


@cache
def _defined(text: bytes) -> set[str]:
    """Return the names that a module binds; everywhere in it, to be wrong on the quiet side."""
    names = set()
    tree = _parsed(text)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names


def _parsed(text: bytes) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # with marks of a conflict, say
        return None

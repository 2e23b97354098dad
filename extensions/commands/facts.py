"""What a rendered service consists of, read from its own files."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

VARIABLE = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
SERVER = re.compile(r"^ +self\.(\w+) = \w+Server\(", re.MULTILINE)

Facts = dict[str, frozenset[str]]
"""Texts by what they are: files, dependencies, …"""


def facts(files: Mapping[str, bytes]) -> Facts:
    """Return what the service of these files brings with it."""
    texts = {path: contents.decode(errors="replace") for path, contents in files.items()}
    project = tomllib.loads(texts.get("pyproject.toml", ""))
    compose = yaml.safe_load(texts.get("compose.yaml", "{}"))
    development = project.get("dependency-groups", {}).get("dev", ())
    return {
        "files": frozenset(files),
        "dependencies": frozenset(project.get("project", {}).get("dependencies", ())),
        "development dependencies": frozenset(development),
        "environment variables": frozenset(VARIABLE.findall(texts.get(".env.example", ""))),
        "servers of uv run dev": frozenset(SERVER.findall(texts.get("devstack/stack.py", ""))),
        "services of compose.yaml": frozenset(compose.get("services", {})),
        "commands": frozenset(_commands(project, texts)),
    }


def _commands(project: Mapping[str, Any], texts: Mapping[str, str]) -> Iterator[str]:
    scripts: Mapping[str, str] = project.get("project", {}).get("scripts", {})
    for name, target in scripts.items():
        yield f"uv run {name}"
        module = target.partition(":")[0].replace(".", "/") + ".py"
        parts = f"{module.rpartition('/')[0]}/commands/"
        for path, source in texts.items():
            if path == module or path.startswith(parts):
                for command in _subcommands(source):
                    yield f"uv run {name} {command}"
    for path in texts:
        if re.fullmatch(r"scripts/\w+\.py", path):
            yield f"uv run python {path}"


def _subcommands(source: str) -> Iterator[str]:
    """Yield the names of the functions that Typer makes commands of."""
    for node in ast.parse(source).body:
        for decorator in getattr(node, "decorator_list", ()):
            match decorator:
                case ast.Call(func=ast.Attribute(attr="command"), args=[ast.Constant(value=name)]):
                    yield str(name)
                case ast.Call(func=ast.Attribute(attr="command"), args=[]):
                    yield getattr(node, "name", "").replace("_", "-")

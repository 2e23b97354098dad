"""Prints, as JSON, the mechanisms of the service in whose folder it runs, and what is wrong.

A mechanism is what works only where something attaches it: a middleware, a dependency, a command, a
job of the worker, a resource, an inspection. Each comes with the functions of which one runs where
it is reached. What is seen without running anything are faults: a middleware that is in no stack, a
dependency of no route, a setting that nothing reads or tells, a limit that no test sets low.
"""

import ast
import functools
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.params import Depends

ROOT = Path.cwd()
SETTINGS = Path("app/core/settings")
LIMIT = re.compile(r"TIMEOUT|(^|_)MAX_|LIMIT|POOL_SIZE|CONCURRENCY")
"""What a setting is called that is a limit. EVENT_MAX_AGE is one of the server's."""
NO_LIMIT = frozenset({"EVENT_MAX_AGE"})


def place(code: CodeType) -> str:
    """Return where a function stands, as the recorder writes it; "" outside of the service."""
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT / "app"):
        return ""
    return f"{path.relative_to(ROOT).as_posix()}:{code.co_firstlineno}:{code.co_name}"


def code_of(function: Any) -> CodeType | None:
    """Return the code that a person has written for `function`."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(getattr(function, "__func__", function))
    if inspect.isclass(function):
        function = function.__init__
    method = inspect.getattr_static(type(function), "__call__", None)
    code = getattr(function, "__code__", None) or getattr(method, "__code__", None)
    return code if isinstance(code, CodeType) else None


def modules() -> Iterator[ModuleType]:
    """Yield every module of app/ but programs."""
    app = importlib.import_module("app")
    for found in pkgutil.walk_packages(app.__path__, "app."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the files of `folders`, parsed."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


# Settings


def read_settings(names: set[str]) -> set[str]:
    """Return which settings something reads: itself, or a property of them that something reads."""
    loaded: set[str] = set()
    read_by: dict[str, set[str]] = {}
    for path, tree in trees("app", "devstack", "migrations", "scripts"):
        if not path.is_relative_to(SETTINGS):
            loaded |= attributes(tree)
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                read_by.setdefault(node.name, set()).update(attributes(node))
    reached: set[str] = set()
    waiting = loaded & (names | read_by.keys())
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= (read_by.get(name, set()) & (names | read_by.keys())) - reached
    return reached & names


def attributes(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def given_in_tests() -> dict[str, list[ast.expr]]:
    """Return what tests give by name: keywords, items of mappings, and environment variables."""
    given: dict[str, list[ast.expr]] = {}
    for _, tree in trees("tests"):
        for node in ast.walk(tree):
            for name, value in named(node):
                given.setdefault(name, []).append(value)
    return given


def named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
    elif isinstance(node, ast.Call) and len(node.args) == 2:
        first, value = node.args
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value, value


def is_low(value: ast.expr, default: Any) -> bool:
    """Return whether a test's value is below the default; one that is computed may be."""
    if not isinstance(value, ast.Constant):
        return True
    try:
        number = float(str(value.value))
    except ValueError:
        return False
    return default is None or number < float(default) or number == 0


def settings_faults(fields: dict[str, Any]) -> Iterator[str]:
    unread = fields.keys() - read_settings(set(fields))
    yield from (f"setting {name}: nothing reads it" for name in sorted(unread))
    example = Path(".env.example").read_text(encoding="utf-8")
    for name in fields:
        if not re.search(rf"(?m)^(# )?{name}=", example):
            yield f"setting {name}: .env.example does not have it"
    given = given_in_tests()
    for name, field in fields.items():
        if LIMIT.search(name) and name not in NO_LIMIT:
            values = given.get(name, [])
            if not any(is_low(value, field.default) for value in values):
                yield f"limit {name}: no test sets it low"


def examples(fields: dict[str, Any]) -> dict[str, str]:
    """Return a value for every setting that has none of its own, as .env.example shows it."""
    example = Path(".env.example").read_text(encoding="utf-8")
    found = dict(re.findall(r"(?m)^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", example))
    unset = (
        name
        for name, field in fields.items()
        if field.is_required() or not field.get_default(call_default_factory=True)
    )
    return {
        name: found[name].strip("'") for name in unset if found.get(name) not in (None, "false")
    }


# Mechanisms

Mechanism = tuple[str, str, list[CodeType | None]]


def stack(app: FastAPI) -> set[type]:
    """Return every layer around the routes."""
    found = set()
    layer: Any = app.build_middleware_stack()
    while layer is not None:
        found |= set(type(layer).__mro__)
        layer = getattr(layer, "app", None)
    return found


def classes() -> Iterator[type]:
    for module in modules():
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                yield value


def is_layer(found: type) -> bool:
    """Return whether its instances are ASGI applications."""
    call = vars(found).get("__call__")
    return call is not None and [*inspect.signature(call).parameters][1:] == [
        "scope",
        "receive",
        "send",
    ]


def middleware(app: FastAPI, faults: list[str]) -> Iterator[Mechanism]:
    attached = stack(app)
    for found in classes():
        methods = {name: each for name, each in vars(found).items() if inspect.isfunction(each)}
        if is_layer(found):
            yield "middleware", found.__qualname__, [code_of(methods["__call__"])]
            if found not in attached:
                faults.append(f"middleware {found.__qualname__}: no application has it")
        elif any(base.__name__ == "TaskiqMiddleware" for base in found.__mro__[1:]):
            hooks = [each for name, each in methods.items() if name != "__init__"]
            yield "middleware", found.__qualname__, [code_of(each) for each in hooks]


def calls(dependant: Any) -> Iterator[Any]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from calls(each)


def routes(router: Any) -> Iterator[Any]:
    for route in router.routes:
        if hasattr(route, "dependant"):
            yield route
        for inner in ("router", "original_router", "app"):
            if hasattr(getattr(route, inner, None), "routes"):
                yield from routes(getattr(route, inner))


def dependencies(app: FastAPI, faults: list[str]) -> Iterator[Mechanism]:
    attached = {code_of(call) for route in routes(app) for call in calls(route.dependant)}
    named_in = {
        node.id
        for path, tree in trees("app/features", "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    known: dict[CodeType, str] = {}
    for module in modules():
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                for made in makes_dependencies(value):
                    known.setdefault(made, name)
            for each in (value, *(get_args(value) if hasattr(value, "__metadata__") else ())):
                code = code_of(each.dependency) if isinstance(each, Depends) else None
                if code and place(code):
                    known.setdefault(code, name)
    for code, name in known.items():
        yield "dependency", name, [code]
        if code not in attached and name not in named_in:
            faults.append(f"dependency {name}: no route has it")


def makes_dependencies(function: Callable[..., Any]) -> Iterator[CodeType]:
    """Yield the dependency that `function` makes: `return Depends(inner)`."""
    code = function.__code__
    if "Depends" in code.co_names and "return Depends(" in inspect.getsource(function):
        yield from (each for each in code.co_consts if isinstance(each, CodeType))


def commands(typer: Any) -> Iterator[Mechanism]:
    for command in typer.registered_commands:
        name = command.name or command.callback.__name__
        yield "command", name, [code_of(command.callback)]
    for group in typer.registered_groups:
        yield from commands(group.typer_instance)


def inventories() -> Iterator[Mechanism]:
    from app.inspections import INSPECTIONS
    from app.resources import RESOURCES

    for resource in RESOURCES:
        for name in ("open", "check"):
            yield "resource", f"{resource.name}.{name}", [code_of(getattr(resource, name))]
    for name, inspection in INSPECTIONS.items():
        looks = (inspection.open, inspection.look, *inspection.checks)
        for each in looks:
            yield "inspection", f"{name}.{each.__name__}", [code_of(each)]
    if Path("app/background.py").exists():
        background = importlib.import_module("app.background")
        for number, job in enumerate(background.BACKGROUND, 1):
            name = f"number {number}" if job.__name__ == "<lambda>" else job.__name__
            yield "job", name, [code_of(job)]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from app.cli import cli
    from app.core.config import Settings
    from app.main import create_app

    fields: dict[str, Any] = dict(Settings.model_fields)
    faults = list(settings_faults(fields))
    given: dict[str, Any] = {"SECRET_KEY": "-" * 32, **examples(fields)}
    app = create_app(Settings(**given))
    mechanisms = [
        *middleware(app, faults),
        *dependencies(app, faults),
        *commands(cli),
        *inventories(),
    ]
    found = [
        {"name": f"{kind} {name}", "places": [place(code) for code in codes if code]}
        for kind, name, codes in mechanisms
    ]
    print(json.dumps({"faults": faults, "mechanisms": found}))


if __name__ == "__main__":
    main()

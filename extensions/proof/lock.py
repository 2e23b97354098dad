"""Writes template/uv.lock.jinja: the lock of everything that a service can have.

For each lowest Python, uv locks a project that has the dependencies of all services at once. The
template keeps those locks as one: a line stands under the Pythons that have it, a package under
whether the service needs it. Which packages a service needs follows from what its pyproject.toml
declares, and so rendering needs no task, and no trust.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations, groupby
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import DictLoader
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from extensions.commands.catalogue import CUSTOM, everything_off, parts, presets, questions
from extensions.commands.rendering import rendered
from extensions.commands.source import CLONE
from extensions.proof.combinations import array
from extensions.proof.conditions import copiers_jinja
from extensions.proof.rendering import compiled_once

PROJECT = "template/pyproject.toml.jinja"
LOCK = "template/uv.lock.jinja"
STRENGTH = 3  # a requirement may stand under conditions of so many answers

# The lists of requirements in pyproject.toml, and what a lock has of each: in the project's own
# entry which it needs and how it was written, or a list of the manifest.
GROUPS = ("dependencies", "dev")
MANIFEST = {"constraints": "constraint-dependencies", "overrides": "override-dependencies"}
SETTINGS = tuple(MANIFEST.values())

NAME = "the-service"  # of the union project; each service has its own
ENTRY = re.compile(r"\n\[\[package\]\]\n")
LIST = re.compile(r"([\w.-]+) = \[$")
INLINE = re.compile(r"\{ name = .*? \}(?=,?$|, \{|\])", re.MULTILINE)
EXTRA = re.compile(r", extra = \[[^\]]*\]")
OPTIONAL = "optional-dependencies"
T = TypeVar("T", bound=Hashable)

# A program that says that it is another version of Python. To lock, uv asks for nothing else.
INTERPRETER = """\
#!{python} -I
import json, subprocess, sys

done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
said = json.loads(done.stdout)
said["sys_executable"] = {path!r}
said["markers"] |= {{
    "python_version": "{version}",
    "python_full_version": "{version}.0",
    "implementation_version": "{version}.0",
}}
print(json.dumps(said))
"""


class LockError(Exception):
    """The lock cannot be written, or the template would not render what uv locked."""


@dataclass(frozen=True, slots=True)
class Union:
    """What all services declare together: requirements by list, as they are written there."""

    requirements: Mapping[str, Sequence[str]]
    build_system: str

    def project(self, python: str, known: Collection[str] | None = None) -> str:
        """Return its pyproject.toml, with the requirements `known` alone or with all."""
        lists = {
            name: [each for each in found if known is None or each in known]
            for name, found in self.requirements.items()
        }
        text = f'[project]\nname = "{NAME}"\nversion = "0.1.0"\nrequires-python = ">={python}"\n'
        text += _toml_list("dependencies", lists["dependencies"])
        text += f"\n[dependency-groups]\n{_toml_list('dev', lists['dev'])}"
        text += f"\n[build-system]\n{self.build_system}"
        settings = "".join(_toml_list(name, lists[name]) for name in SETTINGS if lists[name])
        return text + (f"\n[tool.uv]\n{settings}" if settings else "")


def _toml_list(name: str, requirements: Iterable[str]) -> str:
    lines = "".join(f"    {json.dumps(each)},\n" for each in requirements)
    return f"{name} = [\n{lines}]\n"


def pythons(template: Path) -> tuple[str, ...]:
    """Return the lowest Pythons that a service can have."""
    found = next(each for each in questions(template) if each.name == "python_version")
    return tuple(str(choice) for choice in found.choices)


def union(template: Path) -> Union:
    """Return what the services of `template` declare, read from renderings of them."""
    named = [parts(template, {"preset": name}) for name in presets(template) if name != CUSTOM]
    seeds = [*named, everything_off(template)]
    found: dict[str, set[str]] = {name: set() for name in (*GROUPS, *SETTINGS)}
    built = set()
    with compiled_once():
        for answers in array(template, STRENGTH, seeds=seeds):
            service = rendered(template, {"preset": CUSTOM, **answers}, exclude=["/uv.lock"])
            project = tomllib.loads(service.files["pyproject.toml"].decode())
            for name, requirements in declared(project).items():
                found[name] |= set(requirements)
            built.add(
                "".join(
                    f"{key} = {json.dumps(value)}\n"
                    for key, value in project["build-system"].items()
                )
            )
    if len(built) != 1:
        raise LockError("The services are not all built alike.")
    return Union({name: sorted(texts) for name, texts in found.items()}, built.pop())


def declared(project: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the requirements of a pyproject.toml by the lists that the lock reads."""
    settings = project.get("tool", {}).get("uv", {})
    return {
        "dependencies": project["project"]["dependencies"],
        "dev": project["dependency-groups"]["dev"],
        **{name: settings.get(name, []) for name in SETTINGS},
    }


def write(template: Path, *, upgrade: bool = False) -> None:
    """Write the lock of `template` anew, with the versions that it has or with the newest.

    Raises:
        LockError: uv finds no versions, or writes what the template cannot hold.
    """
    whole = union(template)
    path = template / LOCK
    before = path.read_text(encoding="utf-8") if path.exists() and not upgrade else None
    locks: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for python in pythons(template):
            start = None
            if before is not None:
                known = {
                    each
                    for texts in whole.requirements.values()
                    for each in texts
                    if f"{json.dumps(each)} in declared" in before
                }
                start = from_template(template, before, whole.project(python, known), python)
            elif locks:
                start = next(iter(locks.values()))  # the same versions for each Python
            locks[python] = uv_lock(Path(folder), whole.project(python), python, start)
    text = _template(whole, locks)
    for python, lock in locks.items():
        if from_template(template, text, whole.project(python), python) != lock:
            raise LockError(f"The template would not render what uv locked for {python}.")
    path.write_text(text, encoding="utf-8")


def uv_lock(folder: Path, project: str, python: str, start: str | None) -> str:
    """Return what uv locks for a pyproject.toml, with the versions of the lock `start` if given."""
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    lock = folder / "uv.lock"
    lock.unlink(missing_ok=True)
    if start is not None:
        lock.write_text(start, encoding="utf-8")
    with interpreter(python) as path:
        command = ["uv", "lock", "--quiet", "--project", str(folder), "--python", str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise LockError(done.stderr)
    return lock.read_text(encoding="utf-8")


@contextmanager
def interpreter(version: str) -> Iterator[Path]:
    """Yield a Python that says it is `version`: uv locks with it where that is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"python{version}")
        text = INTERPRETER.format(python=sys.executable, path=str(path), version=version)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        yield path


def from_template(template: Path, text: str, project: str, python: str) -> str:
    """Return what the lock `text` of `template` renders to for a pyproject.toml."""
    environment = copiers_jinja(template)
    environment.loader = DictLoader({PROJECT: project})
    name = tomllib.loads(project)["project"]["name"]
    return environment.from_string(text).render(python_version=python, project_slug=name)


HEADING = """\
{# `uv run nox -s lock` writes this file. -#}
{# What pyproject.toml declares, which has one requirement a line -#}
{% set project %}{% include "PROJECT" %}{% endset %}
{% set declared = {} %}
{% for name in LISTS %}
{% set parts = project.split("\\n" ~ name ~ " = [") %}
{% set lines = parts[1].split("\\n]")[0] if parts | length > 1 else "" %}
{% set _ = declared.update({name: ("[" ~ lines ~ "\\n]") | from_yaml}) %}
{% endfor %}
{% set minor = python_version.split(".")[1] | int %}
{# Which packages each requirement brings, and which each of those needs -#}
{% set brings = {
BRINGS
} %}
{% set needs = {
NEEDS
} %}
{% set locked = [] %}
{% for requirement in declared.dependencies + declared.dev %}
{% for package in brings[requirement] if package not in locked %}
{% set _ = locked.append(package) %}
{% endfor %}
{% endfor %}
{# The list grows while it is gone through -#}
{% for package in locked %}
{% for needed in needs[package] if needed not in locked %}
{% set _ = locked.append(needed) %}
{% endfor %}
{% endfor %}
{% macro entry(text) %}

[[package]]
{{ text }}{% endmacro %}
"""

# The service's own entry stands where its name belongs.
ENDING = """\
{% set own = namespace(is_written=false) %}
{% for package in packages.split("\\n[[package]]\\n")[1:] %}
{% if not own.is_written and service < package %}
{% set own.is_written = true %}
{{ entry(service) }}{% endif %}
{{ entry(package) }}{% endfor %}
{% if not own.is_written %}
{{ entry(service) }}{% endif %}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the lock.

    Attributes:
        text: the line.
        minors: for which lowest Pythons 3.x it is there.
        when: under which condition of the template; empty if always.
    """

    text: str
    minors: frozenset[int]
    when: str = ""


def _template(whole: Union, locks: Mapping[str, str]) -> str:
    texts = {int(python.partition(".")[2]): lock for python, lock in locks.items()}
    every = frozenset(texts)
    split = {minor: ENTRY.split(lock) for minor, lock in texts.items()}
    keyed = {minor: {_key(each): each for each in found[1:]} for minor, found in split.items()}
    keys = [key for key, _ in merged({minor: list(found) for minor, found in keyed.items()})]

    lines = list(_head(whole, {minor: found[0] for minor, found in split.items()}))
    lines += [Line("{% set service %}", every)]
    lines += _own_entry(whole, {minor: _pop(found, NAME) for minor, found in keyed.items()})
    lines += [Line("{% endset %}", every), Line("{% set packages %}", every)]
    for key in keys:
        if key[0] != NAME:
            found = {minor: each[key] for minor, each in keyed.items() if key in each}
            lines += _package(_node(key, keys), found)
    lines += [Line("{% endset %}", every)]

    brings, needs = _graph(whole, texts, keys)
    heading = HEADING.replace("PROJECT", PROJECT)
    heading = heading.replace("LISTS", json.dumps([*GROUPS, *SETTINGS]))
    heading = heading.replace("BRINGS", brings).replace("NEEDS", needs)
    return heading + "".join(_conditional(lines, every)) + ENDING


def merged(sequences: Mapping[int, Sequence[T]]) -> list[tuple[T, frozenset[int]]]:
    """Return every item in the order of all `sequences`, each with the keys of those that have it.

    >>> merged({1: ["a", "b"], 2: ["b", "c"]})
    [('a', {1}), ('b', {1, 2}), ('c', {2})]
    """
    whole: list[tuple[T, frozenset[int]]] = []
    for key, sequence in sequences.items():
        items = [item for item, _ in whole]
        longer = []
        matcher = SequenceMatcher(None, items, sequence, autojunk=False)
        for _, start, end, first, last in matcher.get_opcodes():
            same = items[start:end] == list(sequence[first:last])
            longer += [(item, keys | {key} if same else keys) for item, keys in whole[start:end]]
            if not same:
                longer += [(item, frozenset({key})) for item in sequence[first:last]]
        whole = longer
    return whole


def _conditional(lines: Iterable[Line], every: frozenset[int]) -> Iterator[str]:
    """Yield the lines, those under the same condition together."""
    for (minors, when), group in groupby(lines, key=lambda line: (line.minors, line.when)):
        condition = " and ".join(filter(None, (when, _among(minors, every))))
        text = "".join(f"{line.text}\n" for line in group)
        yield f"{{% if {condition} %}}\n{text}{{% endif %}}\n" if condition else text


def _among(minors: frozenset[int], every: frozenset[int]) -> str:
    others = every - minors
    if not others:
        return ""
    if max(minors) < min(others):
        return f"minor < {min(others)}"
    if min(minors) > max(others):
        return f"minor > {max(others)}"
    return f"minor in {sorted(minors)}"


def _lines(texts: Mapping[int, str]) -> Iterator[tuple[str, frozenset[int]]]:
    for text, minors in merged({minor: text.splitlines() for minor, text in texts.items()}):
        if re.search(r"\{[{%#]", text):
            raise LockError(f"Jinja would take this for its own: {text}")
        yield text, minors


def _head(whole: Union, texts: Mapping[int, str]) -> Iterator[Line]:
    every = frozenset(texts)
    manifest: dict[str, list[tuple[str, str]]] = {}
    heads = {}
    for minor, text in texts.items():
        head, _, rest = text.partition("\n[manifest]\n")
        heads[minor] = head.replace(f'">=3.{minor}"', '">={{ python_version }}"')
        manifest = {
            setting: [
                (each, _condition(each, setting, whole.requirements[setting]))
                for each in INLINE.findall(rest.partition(f"{key} = [")[2].partition("\n]")[0])
            ]
            for key, setting in MANIFEST.items()
            if whole.requirements[setting]
        }
    for text, minors in merged({minor: text.splitlines() for minor, text in heads.items()}):
        yield Line(text, minors)
    if manifest:
        names = " or ".join(f'declared["{setting}"]' for setting in manifest)
        yield Line("\n[manifest]", every, names)
    for key, setting in MANIFEST.items():
        if setting in manifest:
            yield Line(f"{{% set {key} %}}", every)
            for each, when in manifest[setting]:
                yield Line(f"    {each},", every, when)
            yield Line("{% endset %}", every)
            one = f"{key} = [{{{{ {key}.strip().rstrip(',') }}}}]"
            some = f"{key} = [\n{{{{ {key} }}}}]"
            count = f'declared["{setting}"] | length'
            yield Line(one, every, f"{count} == 1")
            yield Line(some, every, f"{count} > 1")


def _own_entry(whole: Union, texts: Mapping[int, str]) -> Iterator[Line]:
    group = ""
    is_metadata = False
    for text, minors in _lines(texts):
        is_metadata = is_metadata or text.startswith("[package.metadata")
        if started := LIST.match(text):
            group = "dev" if started[1] == "dev" else "dependencies"
        line = text.replace(f'"{NAME}"', '"{{ project_slug }}"')
        if not text.startswith("    {"):
            yield Line(line, minors)
        elif is_metadata:
            when = _condition(text.strip().rstrip(","), group, whole.requirements[group])
            yield Line(line, minors, when)
        else:
            yield from _dependency(line, minors, group, whole.requirements[group])


def _dependency(
    line: str, minors: frozenset[int], group: str, requirements: Iterable[str]
) -> Iterator[Line]:
    """Yield a dependency of the service, with the extras that its requirements of it ask for.

    Parts may ask for different extras of one package; uv makes one dependency of them.
    """
    name = tomllib.loads(f"entry = {line.strip().rstrip(',')}")["entry"]["name"]
    wanted = {
        each: requirement
        for each in requirements
        if canonicalize_name((requirement := Requirement(each)).name) == name
    }
    if len({str(requirement.marker) for requirement in wanted.values()}) != 1:
        raise LockError(f"The parts need {name} under different markers, or none of them does.")
    extras = sorted(set().union(*(requirement.extras for requirement in wanted.values())))
    conditions = {
        extra: _declared((each for each in wanted if extra in wanted[each].extras), group)
        for extra in extras
    }
    for count in range(len(extras) + 1):
        for chosen in combinations(extras, count):
            rest = [each for each in wanted if wanted[each].extras <= set(chosen)]
            if not rest:
                continue
            others = [f"not {conditions[extra]}" for extra in extras if extra not in chosen]
            asked = [conditions[extra] for extra in chosen] or [_declared(rest, group)]
            text = f", extra = {json.dumps(list(chosen))}" if chosen else ""
            when = asked if len(wanted) == 1 else [*asked, *others]
            yield Line(EXTRA.sub(text, line), minors, " and ".join(dict.fromkeys(when)))


def _condition(text: str, name: str, requirements: Iterable[str]) -> str:
    """Return under which condition a service has the requirement that `text` is in the lock."""
    entry = tomllib.loads(f"entry = {text}")["entry"]
    found = [
        each
        for each in requirements
        if canonicalize_name((requirement := Requirement(each)).name) == entry["name"]
        and requirement.extras == set(entry.get("extras", ()))
        and requirement.specifier == SpecifierSet(entry.get("specifier", ""))
    ]
    if len(found) != 1:
        raise LockError(f"{len(found)} requirements of services are {text}; one must be.")
    return _declared(found, name)


def _declared(requirements: Iterable[str], name: str) -> str:
    places = [f'{json.dumps(each)} in declared["{name}"]' for each in requirements]
    return places[0] if len(places) == 1 else f"({' or '.join(places)})"


def _package(node: str, texts: Mapping[int, str]) -> Iterator[Line]:
    here = f"{json.dumps(node)} in locked"
    yield Line("\n[[package]]", frozenset(texts), here)
    extras = sorted({extra for text in texts.values() for extra in _entry(text).get(OPTIONAL, ())})
    conditions = {extra: f"{json.dumps(f'{node}[{extra}]')} in locked" for extra in extras}
    when = here
    lines = [*_lines(texts)]
    for place, (text, minors) in enumerate(lines):
        following = lines[place + 1][0] if place + 1 < len(lines) else ""
        if f"[package.{OPTIONAL}]" in (text, following):
            when = f"({' or '.join(conditions.values())})"
        elif when != here and (started := LIST.match(text)):
            when = conditions[started[1]]
        yield Line(text, minors, when)


def _graph(
    whole: Union, texts: Mapping[int, str], keys: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    """Return what each requirement brings, and what each package needs, for the template."""
    brings: dict[str, dict[int, list[str]]] = {}
    needs: dict[str, dict[int, list[str]]] = {}
    for minor, text in texts.items():
        for entry in tomllib.loads(text)["package"]:
            if entry["name"] == NAME:
                for group, listed in (
                    ("dependencies", entry["dependencies"]),
                    ("dev", entry["dev-dependencies"]["dev"]),
                ):
                    for each in whole.requirements[group]:
                        wanted = Requirement(each)
                        package = canonicalize_name(wanted.name)
                        edges = [edge for edge in listed if edge["name"] == package]
                        brings.setdefault(each, {})[minor] = [
                            node
                            for edge in edges
                            for node in _nodes({**edge, "extra": sorted(wanted.extras)}, keys)
                        ]
                continue
            node = _node((entry["name"], entry["version"]), keys)
            lists = {node: entry.get("dependencies", [])}
            for extra, edges in entry.get(OPTIONAL, {}).items():
                lists[f"{node}[{extra}]"] = edges
            for name, edges in lists.items():
                found = [each for edge in edges for each in _nodes(edge, keys)]
                needs.setdefault(name, {})[minor] = list(dict.fromkeys(found))
    return _literal(brings, frozenset(texts)), _literal(needs, frozenset(texts))


def _literal(found: Mapping[str, Mapping[int, list[str]]], every: frozenset[int]) -> str:
    """Return the inside of a mapping; what differs between Pythons is looked up by `minor`."""
    lines = []
    for name, by_minor in sorted(found.items()):
        values = {minor: by_minor.get(minor, []) for minor in sorted(every)}
        first = next(iter(values.values()))
        if all(value == first for value in values.values()):
            text = json.dumps(first)
        else:
            text = "{" + ", ".join(f"{key}: {json.dumps(each)}" for key, each in values.items())
            text += "}[minor]"
        lines.append(f"    {json.dumps(name)}: {text},")
    return "\n".join(lines)


def _nodes(edge: Mapping[str, Any], keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return what a dependency in the lock needs: a package, and the extras of it."""
    versions = [version for name, version in keys if name == edge["name"]]
    node = _node((edge["name"], edge.get("version", versions[0])), keys)
    return [node, *(f"{node}[{extra}]" for extra in edge.get("extra", ()))]


def _node(key: tuple[str, str], keys: Sequence[tuple[str, str]]) -> str:
    name, version = key
    return name if sum(name == other for other, _ in keys) == 1 else f"{name}=={version}"


def _entry(text: str) -> dict[str, Any]:
    entry: dict[str, Any] = tomllib.loads(f"[[package]]\n{text}")["package"][0]
    return entry


def _key(text: str) -> tuple[str, str]:
    entry = _entry(text)
    return entry["name"], entry["version"]


def _pop(entries: dict[tuple[str, str], str], name: str) -> str:
    return entries.pop(next(key for key in entries if key[0] == name))


def main(arguments: Sequence[str]) -> int:
    """Write the lock of this clone's template."""
    parser = argparse.ArgumentParser(prog="nox -s lock --")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    try:
        write(CLONE, upgrade=parser.parse_args(arguments).upgrade)
    except LockError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

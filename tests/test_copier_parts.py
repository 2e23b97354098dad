"""What we use of Copier that it does not promise is there still, and stays in its place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from copier._main import Worker

from extensions.commands.copier_parts import AnswersMap, Collector, Question, worker_of_folder
from tests.rendering import ROOT

COMMANDS = sorted((ROOT / "extensions/commands").glob("*.py"))
PRIVATE = {"commands/copier_parts.py", "proof/rendering.py"}  # the latter makes Copier faster


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_the_commands_import_nothing_of_the_proof_and_patch_nothing() -> None:
    names = {name for path in COMMANDS for name in imported(path)}
    assert any(name.startswith("extensions.commands.") for name in names)
    assert not {
        name
        for name in names
        if name.startswith(("extensions.", "tests", "unittest"))
        and not name.startswith("extensions.commands.")
    }


def test_private_parts_of_copier_are_imported_in_one_place_of_each_package() -> None:
    paths = (ROOT / "extensions").rglob("*.py")
    users = {
        path.relative_to(ROOT / "extensions").as_posix()
        for path in paths
        if any(name.startswith("copier._") for name in imported(path))
    }
    assert users == PRIVATE


@pytest.mark.parametrize(
    "name", ["_ask", "_render_folder", "_render_allowed", "_render_string", "_render_context"]
)
def test_copier_still_has_what_is_called_or_replaced(name: str) -> None:
    assert callable(getattr(Worker, name))


def test_copier_asks_and_collects_as_we_expect(tmp_path: Path) -> None:
    (tmp_path / "copier.yml").write_text(
        "_exclude: [copier.yml]\nword: {type: str, choices: [one, two]}\n"
        "hidden: {type: str, default: x, when: false}\n"
    )
    (tmp_path / "{{ word }}.txt.jinja").write_text("{{ word }}\n")
    worker = worker_of_folder(tmp_path, tmp_path / "service", {"word": "two"})
    worker._ask()
    assert worker.answers.combined["word"] == "two"
    assert worker.answers.hidden == {"hidden"}
    assert set(worker.template.questions_data) == {"word", "hidden"}
    collector = Collector(
        src_path=str(tmp_path), dst_path=tmp_path / "service", data={"word": "one"}, pretend=True
    )
    collector.run_copy()
    assert collector.collected.files == {"one.txt": b"one\n"}
    assert not (tmp_path / "service").exists()
    question = Question(
        answers=AnswersMap(user={}),
        context={},
        jinja_env=worker.jinja_env,
        settings=worker.settings,
        var_name="word",
        **worker.template.questions_data["word"],
    )
    assert [choice.value for choice in question._formatted_choices] == ["one", "two"]

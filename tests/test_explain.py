"""What an answer brings is found by rendering with it and without it."""

import json
from pathlib import Path
from typing import Any

import pytest

from extensions.commands.__main__ import FINE, WRONG_USE, main
from extensions.commands.catalogue import structural
from extensions.commands.explain import explain
from extensions.commands.given_answers import spelled
from extensions.proof.rendering import files, render


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["explain", *arguments, "--json"]) == FINE
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_an_answer_brings_what_a_service_has_only_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (storage,) = explained(capsys, "storage=s3")
    brings = storage["brings"]
    assert storage["compared_with"] == "storage=none"
    assert "app/common/oss.py" in brings["files"]
    assert any(text.startswith("aiobotocore") for text in brings["dependencies"])
    assert any(text.startswith("seaweedfs") for text in brings["development dependencies"])
    assert "S3_BUCKET" in brings["environment variables"]
    assert brings["servers of uv run dev"] == ["s3"]
    assert brings["services of compose.yaml"] == ["storage"]
    assert "uv run my-service bucket" in brings["commands"]
    assert "uv run python scripts/test_oss_connection.py" in brings["commands"]
    assert "app/core/config.py" in storage["changes"]
    assert ".env.development" not in storage["changes"]
    assert storage["leaves_out"] == {}


def test_what_is_said_is_what_copier_renders(template: Path, tmp_path: Path) -> None:
    (auth,) = explain(template, "auth=jwt", ["preset=minimal"])
    with_it = files(render(template, tmp_path / "with", {"preset": "minimal", "auth": "jwt"}))
    without = files(render(template, tmp_path / "without", {"preset": "minimal"}))
    assert auth.brings["files"] == sorted(with_it.keys() - without.keys())
    random = {".copier-answers.yml", ".env.development"}
    assert auth.changes == sorted(
        path
        for path in (with_it.keys() & without.keys()) - random
        if with_it[path] != without[path]
    )


def test_every_choice_of_every_part_makes_a_difference(template: Path) -> None:
    for question in structural(template):
        for choice in question.choices:
            (each,) = explain(template, f"{question.name}={spelled(choice)}", ["preset=full"])
            assert each.brings or each.leaves_out or each.changes, each.subject


def test_a_question_is_explained_by_each_of_its_other_choices(template: Path) -> None:
    licenses = explain(template, "license", [])
    assert [each.subject for each in licenses] == [
        "license=Apache-2.0",
        "license=BSD-3-Clause",
        "license=Proprietary",
    ]
    assert {each.reference for each in licenses} == {"license=MIT"}
    assert "LICENSE" in licenses[0].changes


def test_leaving_a_part_out_is_explained_too(template: Path) -> None:
    (storage,) = explain(template, "storage=none", [])
    assert storage.reference == "storage=s3"
    assert "app/common/oss.py" in storage.leaves_out["files"]


def test_other_answers_decide_what_else_comes(template: Path) -> None:
    (without,) = explain(template, "events=nats", ["database=none"])
    (beside,) = explain(template, "events=nats", [])
    assert "app/core/outbox/inbox.py" in beside.brings["files"]
    assert "app/core/outbox/inbox.py" not in without.brings["files"]


def test_a_whole_set_of_answers_is_compared_with_a_service_without_parts(template: Path) -> None:
    off = ["preset=minimal", "example_module=false", "docker=false", "ci=none"]
    (nothing,) = explain(template, None, off)
    assert (nothing.brings, nothing.leaves_out) == ({}, {})
    (tasks,) = explain(template, None, [*off, "task_queue=nats"])
    assert tasks.brings["servers of uv run dev"] == ["nats"]
    assert "uv run my-service worker" in tasks.brings["commands"]


def test_people_read_headings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "ci"]) == FINE
    said = capsys.readouterr().out
    assert said.startswith("ci=github, compared with ci=none\n\nBrings files (2)\n")
    assert "  + .github/workflows/ci.yml\n" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["strage"], "There is no question 'strage'; the nearest is storage."),
        (["storage=s4"], "storage cannot be 's4'; choose s3 or none."),
        (["project_name"], "project_name is a text of your own; only a choice can be explained."),
        (["storage", "-d", "evnts=nats"], "There is no question 'evnts'; the nearest is events."),
    ],
)
def test_wrong_use_is_refused_in_a_sentence(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *arguments]) == WRONG_USE
    assert capsys.readouterr().err == f"{reason}\n"

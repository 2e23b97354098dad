"""The catalogue says what copier.yml says, and what Copier itself would do with the answers."""

from pathlib import Path

import copier
import pytest
import yaml

from extensions.commands.catalogue import (
    UnknownAnswerError,
    checked,
    everything_off,
    parts,
    presets,
    questions,
    resolve,
    structural,
)
from extensions.commands.rendering import rendered
from extensions.proof.combinations import array, combinations, factors
from extensions.proof.conditions import NOT_ASKED
from extensions.proof.covering import tuples_of

CONDITIONAL = """\
preset: { type: str, choices: [standard, custom], default: standard }
project_name: { type: str, default: Shop }
tier: { type: str, choices: [small, large], default: small }
database:
  type: str
  help: Which database?
  choices: { PostgreSQL: postgresql, MySQL: mysql, none: none }
  default: postgresql
  ask: "{{ preset == 'custom' }}"
stores_rows: { type: bool, when: false, default: "{{ database != 'none' }}" }
orm:
  type: str
  choices: [sqlalchemy, sqlmodel]
  default: sqlalchemy
  when: "{{ stores_rows }}"
  ask: "{{ preset == 'custom' }}"
task_queue:
  type: str
  choices:
    nowhere: none
    Redis: redis
    PostgreSQL:
      value: pg
      validator: "{% if database != 'postgresql' %}needs PostgreSQL{% endif %}"
  default: none
  ask: "{{ preset == 'custom' }}"
task_module:
  type: yaml
  choices: { "yes": true, "no": false }
  default: false
  when: "{{ stores_rows and task_queue != 'none' }}"
  ask: "{{ preset == 'custom' }}"
has_orm: { type: bool, when: false, default: "{{ stores_rows and orm == 'sqlmodel' }}" }
"""


@pytest.fixture
def conditional(tmp_path: Path) -> Path:
    """Return a template whose questions depend on each other in each way that Copier knows."""
    template = tmp_path / "conditional"
    template.mkdir()
    (template / "copier.yml").write_text(CONDITIONAL)
    (template / "{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers | to_nice_yaml }}"
    )
    return template


def by_hand() -> list[dict[str, str | bool]]:
    """Return the combinations that CONDITIONAL allows, written without its language."""
    found: list[dict[str, str | bool]] = []
    for database in ("postgresql", "mysql", "none"):
        for orm in ("sqlalchemy", "sqlmodel") if database != "none" else (None,):
            for queue in ("none", "redis", "pg"):
                if queue == "pg" and database != "postgresql":
                    continue
                has_both = database != "none" and queue != "none"
                for module in (True, False) if has_both else (None,):
                    answers = {
                        "database": database,
                        "orm": orm,
                        "task_queue": queue,
                        "task_module": module,
                    }
                    found.append(
                        {name: value for name, value in answers.items() if value is not None}
                    )
    return found


def test_what_cannot_be_answered_is_no_combination(conditional: Path) -> None:
    found = list(combinations(conditional))
    expected = by_hand()
    assert len(found) == len(expected) == 18
    assert all(answers in found for answers in expected)


def test_copier_agrees_on_each_combination_and_refuses_the_others(conditional: Path) -> None:
    valid = list(combinations(conditional))
    for answers in valid:
        texts = rendered(conditional, {"preset": "custom", **answers}).files
        recorded = yaml.safe_load(texts[".copier-answers.yml"])
        assert {
            name: recorded[name] for name in factors(conditional) if name in recorded
        } == answers
    refused = {"preset": "custom", "database": "mysql", "task_queue": "pg"}
    with pytest.raises(ValueError, match="needs PostgreSQL"):
        rendered(conditional, refused)


@pytest.mark.parametrize("strength", [2, 3])
def test_an_array_of_conditional_questions_has_all_that_stands_together(
    conditional: Path,
    strength: int,
) -> None:
    valid = list(combinations(conditional))
    rows = array(conditional, strength)
    assert all(row in valid for row in rows)
    assert tuples_of(rows, strength) == tuples_of(valid, strength)


def test_the_seeds_of_an_array_are_made_whole_and_come_first(conditional: Path) -> None:
    seeds = [{"preset": "standard"}, {"database": "none"}, {}]
    rows = array(conditional, 2, seeds)
    assert rows[:2] == [
        {"database": "postgresql", "orm": "sqlalchemy", "task_queue": "none"},
        {"database": "none", "task_queue": "none"},
    ]


def test_an_answer_to_a_question_that_is_not_asked_is_refused(conditional: Path) -> None:
    """Copier takes it in silence, renders with it and does not record it."""
    assert checked(conditional, {"orm": "sqlmodel"})
    with pytest.raises(UnknownAnswerError, match="orm is not asked with the other answers"):
        checked(conditional, {"database": "none", "orm": "sqlmodel"})
    with pytest.raises(UnknownAnswerError, match="task_module is not asked"):
        checked(conditional, {"task_module": True})


def test_all_that_can_be_left_out_is_a_valid_combination(conditional: Path) -> None:
    off = everything_off(conditional)
    assert off == {"preset": "custom", "database": "none", "task_queue": "none"}
    assert parts(conditional, off) in list(combinations(conditional))


def test_a_question_says_what_copier_yml_says(conditional: Path) -> None:
    known = {question.name: question for question in questions(conditional)}
    assert list(known) == [
        *("preset", "project_name", "tier", "database", "orm", "task_queue", "task_module"),
    ]
    assert known["database"].help == "Which database?"
    assert known["database"].labels == ("PostgreSQL", "MySQL", "none")
    assert known["database"].choices == ("postgresql", "mysql", "none")
    assert known["task_queue"].choices == ("none", "redis", "pg")
    assert known["project_name"].choices == ()
    assert known["project_name"].default == "Shop"
    conditions = {question.name for question in questions(conditional) if question.has_conditions}
    assert conditions == {"orm", "task_queue", "task_module"}
    assert NOT_ASKED in factors(conditional)["orm"]


def test_values_are_resolved_as_copier_computes_them(conditional: Path) -> None:
    values = resolve(conditional, {"orm": "sqlmodel"})
    assert values["has_orm"] is True
    assert values["project_name"] == "Shop"
    assert resolve(conditional, {"database": "none"})["has_orm"] is False


def test_a_bad_text_is_refused_with_its_reason(template: Path) -> None:
    with pytest.raises(ValueError, match="type it on one line"):
        resolve(template, {"project_name": "a\nb"})


def test_the_services_of_the_template_are_resolved_as_they_are_recorded(template: Path) -> None:
    for preset in presets(template):
        worker = copier.run_copy(
            str(template),
            template.parent / "nothing",
            data={"preset": preset},
            defaults=True,
            pretend=True,
            quiet=True,
        )
        known = worker.answers.combined
        values = resolve(template, {"preset": preset})
        differing = {name for name in values if values[name] != known[name]}
        assert differing <= {"secret_key"}


def test_the_tests_cannot_mistype_an_answer(template: Path) -> None:
    with pytest.raises(UnknownAnswerError, match="databse is not asked"):
        checked(template, {"databse": "none"})
    with pytest.raises(UnknownAnswerError, match="database cannot be 'mysq'"):
        checked(template, {"database": "mysq"})


def test_every_question_that_changes_files_or_code_is_structural(template: Path) -> None:
    """And the other way: so no question is forgotten, and none is looked at in vain."""
    whole = {"preset": "custom", **parts(template, {"preset": "full"})}
    standing = code(template, whole)
    names = {question.name for question in structural(template)}
    for question in questions(template):
        others = [
            choice
            for choice in question.choices
            if choice != resolve(template, whole)[question.name]
        ]
        changing = [
            choice
            for choice in others
            if code(template, {**whole, question.name: choice}) != standing
        ]
        assert changing == (others if question.name in names else []), question.name


def code(template: Path, answers: dict[str, str | bool]) -> dict[str, bytes]:
    """Return the paths of all files, with the contents of those that are Python."""
    files = rendered(template, answers).files
    return {path: text if path.endswith(".py") else b"" for path, text in files.items()}


def test_the_combinations_are_the_product_of_what_is_asked(template: Path) -> None:
    product = 1
    for choices in factors(template).values():
        product *= len(choices)
    found = {tuple(answers.items()) for answers in combinations(template)}
    conditional = any(question.has_conditions for question in structural(template))
    assert len(found) < product if conditional else len(found) == product >= 256


def test_the_arrays_of_the_template_are_small(template: Path) -> None:
    assert len(array(template, 2)) == 6
    assert len(array(template, 3)) == 12

"""What a person may answer, what becomes of it, and what a wrong answer gets."""

import re
import subprocess
import tomllib
from pathlib import Path

import copier
import pytest
import yaml

from extensions.commands.catalogue import Answer, everything_off, questions
from extensions.proof.rendering import files, render
from tests.rendering import differing, run_copier

pytestmark = pytest.mark.render

PRESETS: dict[str, dict[str, Answer]] = {
    "standard": {
        "database": "postgresql",
        "task_queue": "nats",
        "events": "nats",
        "storage": "s3",
        "auth": "none",
        "observability": "none",
        "example_module": True,
        "docker": True,
        "ci": "github",
    },
}
PRESETS["full"] = PRESETS["standard"] | {"auth": "jwt", "observability": "otel"}
PRESETS["custom"] = PRESETS["standard"]
PRESETS["minimal"] = PRESETS["standard"] | dict.fromkeys(
    ("database", "task_queue", "events", "storage"),
    "none",
)

BAD = {
    "an empty name": ("project_name=", "Type a name of 1 to 60 characters."),
    "a blank name": ("project_name=   ", "Type a name of 1 to 60 characters."),
    "a name that is too long": (f"project_name={'x' * 61}", "The name has 61 characters"),
    "a name of two lines": ("project_name=a\nb", "type it on one line"),
    "a short name in capitals": ("project_slug=Shop", "Type 3 to 40 lowercase letters"),
    "a short name that is too short": ("project_slug=ab", "Type 3 to 40 lowercase letters"),
    "a short name that is too long": (f"project_slug={'x' * 41}", "Type 3 to 40 lowercase"),
    "a short name that begins with a digit": ("project_slug=1shop", "begin with a letter"),
    "a short name that ends with a hyphen": ("project_slug=shop-", "end with a letter or a digit"),
    "a short name with two hyphens": ("project_slug=my--shop", "single hyphens"),
    "a short name with an underscore": ("project_slug=my_shop", "Type 3 to 40 lowercase letters"),
    "a path as short name": ("project_slug=../shop", "Type 3 to 40 lowercase letters"),
    "a dependency's name": ("project_slug=fastapi", "type another, such as fastapi-service"),
    "a command's name": ("project_slug=dev", "type another, such as dev-service"),
    "a description of two lines": ("project_description=a\nb", "type it on one line"),
    "an endless description": (f"project_description={'x' * 301}", "type one of at most 300"),
    "an author of two lines": ("author_name=a\nb", "type it on one line"),
    "no e-mail address": ("author_email=me@home", "type one such as name@example.com"),
    "an unknown preset": ("preset=huge", "Invalid choice"),
    "an unknown license": ("license=GPL", "Invalid choice"),
    "an old Python": ("python_version=3.10", "Invalid choice"),
    "an unknown database": ("database=oracle", "Invalid choice"),
    "an unknown task queue": ("task_queue=cron", "Invalid choice"),
    "an unknown carrier of events": ("events=kafka", "Invalid choice"),
    "an unknown storage": ("storage=ftp", "Invalid choice"),
    "an unknown auth": ("auth=basic", "Invalid choice"),
    "an unknown observability": ("observability=logs", "Invalid choice"),
    "an unknown CI": ("ci=jenkins", "Invalid choice"),
    "no yes and no no": ("docker=perhaps", "Invalid choice"),
}

NAMES = {
    "x": "x-service",
    "Ab": "ab-service",
    "  Padded  ": "padded",
    "Café Élan": "cafe-elan",
    "天气服务": "my-service",
    "Погода": "my-service",
    "FastAPI": "fastapi-service",
    "9 lives": "lives",
    "a" * 60: "a" * 40,
    "服务" * 30: "my-service",
    'The "Best" Shop': "the-best-shop",
    "It's \\ \"both\" ' {{ 7 * 7 }} ${HOME} #1 🎉": "it-s-both-7-7-home-1",
    "C:\\temp: yes": "c-temp-yes",
    "Joe's $(id) `id`": "joe-s-id-id",
    "null": "null",
    "12345": "my-service",
}


def recorded(service: Path) -> dict[str, Answer]:
    answers: dict[str, Answer] = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return answers


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_sets_the_defaults_and_the_answers_are_recorded(
    template: Path,
    tmp_path: Path,
    preset: str,
) -> None:
    service = render(template, tmp_path / "service", {"preset": preset})
    answers = recorded(service)
    assert {question.name for question in questions(template)} == {
        name for name in answers if not name.startswith("_")
    }
    assert {name: answers[name] for name in PRESETS[preset]} == PRESETS[preset]


def test_an_answer_wins_over_the_preset(template: Path, tmp_path: Path) -> None:
    service = render(template, tmp_path / "service", {"preset": "minimal", "storage": "s3"})
    assert recorded(service)["storage"] == "s3"
    assert (service / "app/common/oss.py").exists()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_makes_a_service_that_says_it(template: Path, tmp_path: Path, name: str) -> None:
    texts: dict[str, Answer] = {
        "project_name": name,
        "project_description": f'About "{name}", \\ and more.',
        "author_name": name,
    }
    service = render(template, tmp_path / "service", texts)
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == NAMES[name]
    assert project["description"] == texts["project_description"]
    assert project["authors"] == [{"name": name.strip()}]
    assert recorded(service)["project_name"] == name
    scope: dict[str, object] = {}
    config = (service / "app/core/settings/core.py").read_text(encoding="utf-8")
    found = re.search(r"PROJECT_NAME: str = Field\(\s*(.*),\n", config)
    assert found is not None
    exec(f"name = {found[1]}", scope)  # noqa: S102 (a literal that the template wrote)
    assert scope["name"] == name.strip()
    # A shell reads the name as it is, or finds none: then the default holds.
    command = ("sh", "-ec", '. ./.env.example; printf %s "${PROJECT_NAME-}"')
    shown = subprocess.run(command, cwd=service, env={}, capture_output=True, check=True).stdout
    assert shown.decode() in {"", name.strip()}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_answer_is_refused_with_a_sentence_and_nothing_is_written(
    template: Path,
    tmp_path: Path,
    case: str,
) -> None:
    text, reason = BAD[case]
    name, _, answer = text.partition("=")
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        copier.run_copy(str(template), tmp_path / "service", data={name: answer}, defaults=True)
    assert "\n" not in str(refusal.value).strip()
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_says_why_as_its_last_line(template: Path, tmp_path: Path) -> None:
    done = run_copier(
        *("copy", "--defaults", "--data", "project_slug=fastapi", template, "service"),
        folder=tmp_path,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith("type another, such as fastapi-service.")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_answers_is_checked_alike(template: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.yml").write_text("project_slug: fastapi\n")
    done = run_copier(
        *("copy", "--defaults", "--data-file", "answers.yml", template, "service"),
        folder=tmp_path,
    )
    assert done.returncode != 0
    assert "fastapi is the name of a dependency or a command" in done.stderr
    assert not (tmp_path / "service").exists()


def test_no_service_can_have_the_name_of_a_package_that_it_installs(template: Path) -> None:
    config = yaml.safe_load((template / "copier.yml").read_text())
    reserved = {
        name
        for names in ("reserved_slugs", "observability_slugs")
        for name in yaml.safe_load(config[names]["default"])
    }
    lock = (template / "template/uv.lock.jinja").read_text()
    installed = set(re.findall(r'(?m)^name = "([\w.-]+)"$', lock))
    assert {name for name in installed if len(name) > 2} <= reserved


def test_a_service_named_like_a_package_omits_what_installs_it(
    template: Path, tmp_path: Path
) -> None:
    named: dict[str, Answer] = {"preset": "full", "project_slug": "requests"}
    service = render(template, tmp_path / "service", named)
    assert recorded(service)["observability"] == "none"
    with pytest.raises(ValueError, match="requests is the name of a package that this needs"):
        render(template, tmp_path / "other", named | {"observability": "otel"})


def test_only_the_secret_differs_between_two_services(template: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        run_copier("copy", "--defaults", template, name, folder=tmp_path)
    first, second = files(tmp_path / "first"), files(tmp_path / "second")
    assert ".env.development" in first.keys() & second.keys()
    assert differing(first, second) == {".env.development"}


def test_scaffolding_twice_changes_nothing(template: Path, tmp_path: Path) -> None:
    service = render(template, tmp_path / "service")
    before = files(service)
    assert differing(files(render(template, service)), before) == set()


def test_everything_can_be_left_out(template: Path, tmp_path: Path) -> None:
    service = render(template, tmp_path / "service", everything_off(template))
    assert not {"Dockerfile", "migrations", ".github"} & {path.name for path in service.iterdir()}

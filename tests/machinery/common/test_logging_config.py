"""The form of logs, and what never appears in them."""

import json
import logging
from collections.abc import Iterator

import pytest
from loguru import logger

from app.common.logging_config import redact, setup_command_logging, setup_logging
from app.core.request_id import request_id_context


@pytest.fixture(autouse=True)
def _logging_of_tests() -> Iterator[None]:
    yield
    setup_logging("test", "INFO")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_an_exception_is_part_of_its_line_and_shows_no_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("production")
    combination = "12" + "34"
    try:
        raise ValueError("the vault is open", len(combination))
    except ValueError:
        logger.exception("failed")

    (line,) = lines_of(capsys)
    assert "ValueError: ('the vault is open', 4)" in str(line["exception"])
    assert "1234" not in str(line)


@pytest.mark.parametrize("value", ["\ud800", 2**70, object()])
def test_a_log_that_json_cannot_hold_is_written_all_the_same(
    capsys: pytest.CaptureFixture[str],
    value: object,
) -> None:
    setup_logging("production")
    logger.bind(value=value).info("odd")

    (line,) = lines_of(capsys)
    assert line["message"] == "odd"


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "some.library"])
def test_the_standard_librarys_loggers_come_out_once_in_the_same_form(
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    theirs = logging.getLogger(name)
    if name.startswith("uvicorn"):  # which brings handlers of its own
        theirs.addHandler(logging.StreamHandler())
    setup_logging("production")
    setup_logging("production")
    theirs.warning("braces {x} and %s", "<tags>")

    (line,) = lines_of(capsys)
    assert (line["module"], line["message"]) == (name, "braces {x} and <tags>")
    assert line["function"] == "test_the_standard_librarys_loggers_come_out_once_in_the_same_form"


def test_an_access_log_that_was_silenced_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    try:
        setup_logging("production")
        access.info("GET / 200")
    finally:
        access.propagate = True

    assert lines_of(capsys) == []


def test_in_development_a_line_says_when_where_and_for_which_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("development", "DEBUG")
    with request_id_context("r-2"):
        logger.debug("hello")

    parts = capsys.readouterr().err.strip().split(" | ")
    assert parts[1].strip() == "DEBUG"
    assert parts[2].startswith(f"{__name__}:test_in_development_")
    assert parts[3:] == ["r-2", "hello"]


def test_a_command_shows_plain_lines_and_only_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_command_logging()
    logger.info("no news")
    logging.getLogger("library").info("none here either")
    logger.warning("slow, password={}", "hunter2")
    logging.getLogger("library").error("broken")

    assert capsys.readouterr().err == "WARNING: slow, password=***\nERROR: broken\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer aaa.bbb.ccc", "Authorization: ***"),
        ("{'authorization': 'Basic dXNlcg==', 'a': 1}", "{'authorization': ***, 'a': 1}"),
        ("(b'authorization', b'Bearer aaa.Bbb.ccc')", "(b'authorization', b'Bearer ***')"),
        ("no host at tcp://user:p@ss/w@host:1/name", "no host at tcp://user:***@host:1/name"),
        ("tcp://a:b@c,tcp://d:e@f", "tcp://a:***@c,tcp://d:***@f"),
        ('{"password": "with spaces", "b": 2}', '{"password": ***, "b": 2}'),
        ("GET /files?signature=abc&expires=3", "GET /files?signature=***&expires=3"),
        ("MAIL_PASSWORD=hunter2 MAIL_PORT=5", "MAIL_PASSWORD=*** MAIL_PORT=5"),
        ("Cookie: session=hunter2; theme=dark", "Cookie: ***"),
        ("http://host:8000/a and the bearer of news", "http://host:8000/a and the bearer of news"),
        ("SECRET_KEY is not set.", "SECRET_KEY is not set."),
    ],
)
def test_what_gives_access_is_hidden_and_the_rest_is_kept(text: str, expected: str) -> None:
    assert redact(text) == expected

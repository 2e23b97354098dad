"""The form of logs, and what never appears in them."""

import json
import logging
from collections.abc import Iterator

import pytest
from loguru import logger

from app.common.logging_config import setup_logging
from app.core.request_id import request_id_context


@pytest.fixture(autouse=True)
def _logging_of_tests() -> Iterator[None]:
    yield
    setup_logging("test", "INFO")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_in_production_every_log_is_one_flat_json_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("production", "INFO")
    with request_id_context("r-1"):
        logger.bind(order=7).warning("two\nlines of {}", "text")
    logger.debug("below the level")

    (line,) = lines_of(capsys)
    assert line.pop("time", "").endswith("+00:00")  # type: ignore[attr-defined]  # a text
    assert isinstance(line.pop("line"), int)
    assert line == {
        "level": "WARNING",
        "module": __name__,
        "function": "test_in_production_every_log_is_one_flat_json_object",
        "request_id": "r-1",
        "message": "two\nlines of text",
        "exception": None,
        "order": 7,
    }


@pytest.mark.parametrize("environment", ["development", "production"])
def test_secrets_are_hidden_in_messages_extras_exceptions_and_records_of_libraries(
    capsys: pytest.CaptureFixture[str],
    environment: str,
) -> None:
    setup_logging(environment)
    logger.info("with password={}", "hunter2")
    logger.bind(token="hunter2", note="secret=hunter2").info("bound")
    logging.getLogger("library").warning("to %s", "tcp://user:hunter2@host")
    try:
        raise RuntimeError("Authorization: Bearer hunter2")
    except RuntimeError:
        logger.exception("failed")

    written = capsys.readouterr().err
    assert "RuntimeError" in written
    assert "hunter2" not in written

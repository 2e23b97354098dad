"""Logging with Loguru: colored lines in development, one JSON object per line in production."""

import json
import logging
import os
import re
import sys
import traceback
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import orjson
from loguru import logger

from app.core.request_id import get_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loguru import FormatFunction, Message, Record

_DEVELOPMENT_FORMAT: Final = (
    "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> | <level>{level: <8}</level> | "
    "<cyan>{name}</cyan>:<cyan>{function}</cyan>:<cyan>{line}</cyan> | "
    "{extra[request_id]} | <level>{message}</level>"
)

# Secrets to redact: values with telling names, credentials, passwords in URLs.
# Repetitions are bounded so that no text can make a search take quadratic time.
_VALUE: Final = r"""(?:"[^"]*"|'[^']*'|[^\s"'&,;}\])]+)"""
_SECRETS: Final = re.compile(
    r"(?P<keep>"
    r"(?:authorization|password|passwd|secret|token|api[_-]?key|signature)[\w-]{0,64}"
    r"""["']?\]?\s*[=:]\s*(?:b?(?=["']))?)(?:(?:bearer|basic|digest)\s+)?""" + _VALUE + r"|"
    r"(?P<cookies>cookie[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n]+|"
    r"(?P<scheme>\b(?:bearer|basic)\s+)(?-i:(?=\S{0,64}[A-Z0-9]))[A-Za-z0-9._~+/=-]{8,}|"
    r"(?P<user>://[^\s/:@,'\"]*:)[^\s,'\"]{0,200}@",
    re.IGNORECASE,
)
# A quick search for these spares most lines the slower search above.
_HINTS: Final = (
    *("authorization", "passw", "secret", "token", "api_key", "api-key", "apikey"),
    *("signature", "cookie", "bearer", "basic", "://"),
)

_fields: Final[list["Callable[[], Mapping[str, str]]"]] = []


def add_log_fields(fields: "Callable[[], Mapping[str, str]]") -> None:
    """Add the fields that `fields` returns to every log line; called for each line."""
    _fields.append(fields)


def setup_logging(env: str = "development", level: str = "INFO") -> None:
    """Send all logs of this process, including the standard library's, to stderr in one format.

    `env` is APP_ENV; `production` means JSON. Calling it again replaces the configuration.
    """
    if env == "production":
        # With a function as format, Loguru does not append the exception.
        _send_to(_write_json, lambda _: "{message}", level)
    else:
        colorize = sys.stderr.isatty() or "FORCE_COLOR" in os.environ
        _send_to(_write_text, _DEVELOPMENT_FORMAT, level, colorize=colorize)


def setup_command_logging() -> None:
    """Send warnings and errors to stderr as plain lines, for commands."""
    _send_to(_write_text, "{level}: {message}", "WARNING")


def _send_to(
    sink: "Callable[[Message], None]",
    line_format: "str | FormatFunction",
    level: str,
    *,
    colorize: bool = False,
) -> None:
    # Loguru's `diagnose` would print the values of variables, so it is off everywhere.
    logger.configure(
        handlers=[
            {
                "sink": sink,
                "format": line_format,
                "level": level,
                "colorize": colorize,
                "backtrace": False,
                "diagnose": False,
            },
        ],
        patcher=_complete,
    )
    _intercept_standard_logging(level)


def redact(text: str) -> str:
    """Return `text` with recognizable passwords, tokens and keys masked."""
    lowered = text.lower()
    return _SECRETS.sub(_hide, text) if any(hint in lowered for hint in _HINTS) else text


def _hide(match: re.Match[str]) -> str:
    kept = next(text for text in match.groups() if text is not None)
    return f"{kept}***@" if match.lastgroup == "user" else f"{kept}***"


def _complete(record: "Record") -> None:
    record["extra"].setdefault("request_id", get_request_id() or "-")
    for fields in _fields:
        record["extra"].update(fields())
    record["message"] = redact(record["message"])


def _write_text(message: "Message") -> None:
    sys.stderr.write(redact(message))  # the exception's text is part of it


def _write_json(message: "Message") -> None:
    record = message.record
    line: dict[str, Any] = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "module": record["name"],
        "function": record["function"],
        "line": record["line"],
        "request_id": get_request_id(),
        "message": record["message"],
        "exception": None,
    }
    for name, value in record["extra"].items():
        if name not in line:
            text = f"{name}={value}"
            line[name] = value if redact(text) == text else "***"
    if exception := record["exception"]:
        line["exception"] = redact("".join(traceback.format_exception(exception.value)))
    try:
        text = orjson.dumps(line, default=_as_text).decode()
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        text = json.dumps(line, default=_as_text)
    sys.stderr.write(text + "\n")


def _as_text(value: object) -> str:
    return redact(str(value))


class InterceptHandler(logging.Handler):
    """Forwards the records of the standard library's loggers to Loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log `record` with its original location."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno

        def place(target: "Record") -> None:
            target["name"] = record.name
            target["function"] = record.funcName
            target["line"] = record.lineno

        message = record.getMessage()
        logger.patch(place).opt(exception=record.exc_info).log(level, "{}", message)


def _intercept_standard_logging(level: str) -> None:
    root = logging.getLogger()
    root.setLevel(level if level != "TRACE" else logging.NOTSET)
    if not any(isinstance(handler, InterceptHandler) for handler in root.handlers):
        root.addHandler(InterceptHandler())
    # Uvicorn installs its own handlers; without them its records reach the root logger. A silenced
    # logger (`--no-access-log`) has none, and stays silent.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        theirs = logging.getLogger(name)
        theirs.setLevel(logging.NOTSET)
        if theirs.handlers:
            theirs.handlers.clear()
            theirs.propagate = True

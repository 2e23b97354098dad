"""Turn pydantic's errors about the settings into sentences for the operator."""

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class SettingsError(Exception):
    """The settings are invalid or incomplete.

    The text names each variable, the error and the fix. It never repeats a value.
    """


def describe(error: ValidationError, fields: dict[str, FieldInfo], env_file: str) -> str:
    """Return one line per error in `error`; `env_file` is the file to set variables in."""
    lines = [f"  - {_described(details, fields)}" for details in error.errors()]
    hint = f"Set them in the environment or in {env_file}; .env.example lists every variable."
    return "\n".join(["The settings are not usable:", *lines, hint])


def _described(details: ErrorDetails, fields: dict[str, FieldInfo]) -> str:
    reason = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:  # a check of the settings as a whole, such as one of your own
        return reason
    name = str(details["loc"][0])
    description = fields[name].description if name in fields else None
    wanted = f" Expected: {description}" if description else ""
    if details["type"] == "missing":
        return f"{name} is not set.{wanted}"
    return f"{name}: {reason.rstrip('.')}.{wanted}"

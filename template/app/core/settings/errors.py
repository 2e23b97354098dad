"""Turns what pydantic finds wrong with the settings into sentences for whoever starts it."""

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class SettingsError(Exception):
    """The settings are wrong or incomplete.

    Its text names each variable, what is wrong and how to mend it, and never repeats a value.
    """


def describe(error: ValidationError, fields: dict[str, FieldInfo], env_file: str) -> str:
    """Return one line per fault in `error`; `env_file` is where the person would set a variable."""
    faults = [f"  - {_fault(details, fields)}" for details in error.errors()]
    hint = f"Set them in the environment or in {env_file}; .env.example lists every variable."
    return "\n".join(["The settings are not usable:", *faults, hint])


def _fault(details: ErrorDetails, fields: dict[str, FieldInfo]) -> str:
    reason = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:  # a check of the settings as a whole, such as one of your own
        return reason
    name = str(details["loc"][0])
    description = fields[name].description if name in fields else None
    wanted = f" Expected: {description}" if description else ""
    if details["type"] == "missing":
        return f"{name} is not set.{wanted}"
    return f"{name}: {reason.rstrip('.')}.{wanted}"

"""Show the settings in force without their secrets."""

import re

from pydantic import SecretStr

from app.core.config import Settings

MASK = "********"


def displayed(settings: Settings) -> list[str]:
    """Return a line `NAME=value` for each setting; secrets are masked, also those in URLs."""
    return [f"{name}={_displayed(getattr(settings, name))}" for name in Settings.model_fields]


def _displayed(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(_displayed, value))
    return re.sub(r"(?<=://).+(?=@)", MASK, str(value))  # a password may have @ in it, or /

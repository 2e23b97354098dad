"""Shared parts of the settings of servers."""

from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr, ValidationInfo

# `uv run dev` writes the addresses of its servers here while it runs; any other setting wins.
DEVSTACK_ENV_FILE: Final = ".devstack/env"
DEVSTACK_HINT: Final = "; in development, `uv run dev` runs a server while nothing is set"
PLACEHOLDER: Final = "change-me"  # what .env.example has for passwords


def devstack_hint(info: ValidationInfo) -> str:
    """Return a hint for a missing server address, in the environments where it applies."""
    return DEVSTACK_HINT if info.data.get("APP_ENV") == "development" else ""


def _is_chosen(value: SecretStr, info: ValidationInfo) -> SecretStr:
    if value.get_secret_value() == PLACEHOLDER and info.data.get("APP_ENV") == "production":
        raise ValueError("this is the placeholder of .env.example; set the real one")
    return value


Password = Annotated[SecretStr, AfterValidator(_is_chosen)]

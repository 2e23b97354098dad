"""`.env.example` lists what the settings are, no more and no less."""

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.core.config import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_every_setting_is_listed_and_nothing_else() -> None:
    listed = re.findall(r"(?m)^(?:# ?)?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(encoding="utf-8"))

    assert sorted(listed) == sorted(Settings.model_fields)


def test_a_service_can_start_from_it_and_its_defaults_are_those_of_the_settings(
    environment: pytest.MonkeyPatch,
) -> None:
    for name in Settings.model_fields:
        environment.delenv(name, raising=False)
    for name, value in dotenv_values(EXAMPLE).items():
        environment.setenv(name, value or "")
    environment.setenv("SECRET_KEY", "0123456789abcdef" * 4)

    from_example = load_settings()
    assert from_example.APP_ENV == "development"

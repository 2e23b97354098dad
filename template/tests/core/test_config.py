"""The settings of every service; those of a capability have a file of their own beside this."""

import re
from pathlib import Path

import pytest

from app.core.config import load_settings
from app.core.settings.display import displayed
from app.core.settings.errors import SettingsError

STRONG_KEY = "0123456789abcdef" * 4


def test_the_environment_wins_over_the_file_of_its_kind_which_wins_over_the_common_one(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("APP_ENV", "development")
    for name in ("PROJECT_NAME", "API_PORT", "LOG_LEVEL"):
        environment.delenv(name)
    Path(".env").write_text("PROJECT_NAME=common\nAPI_PORT=8001\nLOG_LEVEL=ERROR\n")
    Path(".env.development").write_text("PROJECT_NAME=development\nAPI_PORT=8002\n")
    Path(".env.production").write_text("PROJECT_NAME=production\n")
    environment.setenv("API_PORT", "8003")

    settings = load_settings()

    assert (settings.LOG_LEVEL, settings.PROJECT_NAME, settings.API_PORT) == (
        "ERROR",
        "development",
        8003,
    )


def test_a_missing_variable_is_named_with_what_it_is_and_where_to_set_it(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("APP_ENV", "development")
    environment.delenv("SECRET_KEY")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    text = str(caught.value)
    assert "SECRET_KEY is not set" in text
    assert "a random text of at least 32 characters" in text
    assert ".env.development" in text


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("API_PORT", "http", "valid integer"),
        ("LOG_LEVEL", "LOUD", "'DEBUG'"),
        ("ALLOWED_HOSTS", "https://api.test", "'https://api.test' is no host"),
        ("CORS_ORIGINS", "app.test", "'app.test' is no origin"),
        ("FORWARDED_ALLOW_IPS", "proxy.test", "'proxy.test' is no address"),
        ("API_PREFIX", "/health/v1", "paths of its own below /health"),
    ],
)
def test_a_wrong_value_is_explained(
    environment: pytest.MonkeyPatch,
    name: str,
    value: str,
    reason: str,
) -> None:
    environment.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert f"{name}: " in str(caught.value)
    assert re.search(reason, str(caught.value))
    assert "Expected: " in str(caught.value)


def test_every_fault_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("API_PORT", "http")
    environment.setenv("LOG_LEVEL", "LOUD")
    environment.delenv("SECRET_KEY")

    with pytest.raises(SettingsError, match=r"(?s)SECRET_KEY.*LOG_LEVEL.*API_PORT"):
        load_settings()


@pytest.mark.parametrize(
    "key",
    ["", "short", "change-me-" * 4, "your-secret-key-" * 3, "replace_this_placeholder_" * 2],
)
def test_production_refuses_a_weak_secret_key_and_does_not_repeat_it(
    environment: pytest.MonkeyPatch,
    key: str,
) -> None:
    environment.setenv("APP_ENV", "production")
    environment.setenv("SECRET_KEY", key)

    with pytest.raises(SettingsError, match="SECRET_KEY") as caught:
        load_settings()

    assert not key or key not in str(caught.value)


def test_production_starts_with_a_random_key(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("APP_ENV", "production")
    environment.setenv("SECRET_KEY", STRONG_KEY)

    assert load_settings().SECRET_KEY.get_secret_value() == STRONG_KEY


def test_secrets_show_neither_in_logs_nor_where_settings_are_displayed(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SECRET_KEY", STRONG_KEY)
    settings = load_settings()

    assert STRONG_KEY not in repr(settings) + str(settings) + "".join(displayed(settings))

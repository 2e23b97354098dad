"""The settings of every service; those of a capability have a file of their own beside this."""

import re
from pathlib import Path
from typing import Self

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from app.core.config import Settings, get_settings, load_settings
from app.core.settings.errors import SettingsError, describe

STRONG_KEY = "0123456789abcdef" * 4


def test_the_common_file_may_say_which_environment_it_is(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("APP_ENV")
    environment.delenv("PROJECT_NAME")
    Path(".env").write_text("APP_ENV=test\n")
    Path(".env.test").write_text("PROJECT_NAME=From the test file\n")

    settings = load_settings()

    assert (settings.APP_ENV, settings.PROJECT_NAME) == ("test", "From the test file")


def test_the_file_of_production_cannot_say_that_it_is_another_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("APP_ENV")
    Path(".env").write_text("APP_ENV=production\n")
    Path(".env.production").write_text("APP_ENV=development\nSECRET_KEY=change-me\n")

    with pytest.raises(SettingsError, match=r"\.env\.production says APP_ENV=development"):
        load_settings()


def test_a_variable_that_is_empty_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("API_PORT", "")

    assert load_settings().API_PORT == 8000


def test_a_variable_that_the_service_does_not_know_is_left_alone(
    environment: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("SOMETHING_ELSE=1\n")

    assert not hasattr(load_settings(), "SOMETHING_ELSE")


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("CORS_ORIGINS", "https://a.test, https://b.test,", "https://a.test https://b.test"),
        ("CORS_ORIGINS", '["https://a.test", "http://b.test"]', "https://a.test http://b.test"),
        ("CORS_ORIGINS", "HTTPS://A.test:443/, http://b.test:80", "https://a.test http://b.test"),
        ("CORS_ORIGINS", "http://[::1]:3000, app://localhost", "http://[::1]:3000 app://localhost"),
        ("CORS_ORIGINS", "*", "*"),
        ("ALLOWED_HOSTS", "API.test., *.a.test, 10.0.0.7", "api.test *.a.test 10.0.0.7"),
        ("ALLOWED_HOSTS", "[::1],a.test", "[::1] a.test"),
        ("ALLOWED_HOSTS", '["*"]', "*"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,fd00::1", "10.0.0.0/8 fd00::1"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,*", "*"),
    ],
)
def test_a_list_is_read_however_people_write_it(
    environment: pytest.MonkeyPatch,
    name: str,
    text: str,
    read: str,
) -> None:
    environment.setenv(name, text)

    assert getattr(load_settings(), name) == read.split()


def test_what_production_refuses_is_told_together_with_what_is_wrong_anywhere(
    environment: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "APP_ENV": "production",
        "SECRET_KEY": "short",
        "DEBUG": "true",
        "API_PORT": "http",
        "CORS_ORIGINS": "*",
        "CORS_ALLOW_CREDENTIALS": "true",
    }.items():
        environment.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    faults = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert [fault.split()[1].rstrip(":") for fault in faults] == [
        "SECRET_KEY",
        "DEBUG",
        "API_PORT",
        "CORS_ALLOW_CREDENTIALS",
    ]


def test_what_a_check_of_your_own_finds_in_the_settings_as_a_whole_is_told_as_it_is() -> None:
    class Own(BaseModel):
        @model_validator(mode="after")
        def _refuse(self) -> Self:
            raise ValueError("FAX_HOST is set, but not FAX_NUMBER")

    with pytest.raises(ValidationError) as caught:
        Own()

    text = describe(caught.value, Own.model_fields, ".env.test")
    assert "\n  - FAX_HOST is set, but not FAX_NUMBER\n" in text


@pytest.mark.parametrize("content", [b"SECRET_KEY=\xff\xfe\n", b"\x00\x01"])
def test_a_file_that_is_not_text_is_named(
    environment: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    environment.setenv("APP_ENV", "test")
    Path(".env.test").write_bytes(content + b"\xff")

    with pytest.raises(SettingsError, match=r"\.env\.test"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("DEBUG", {"DEBUG": "true"}),
        ("CORS_ORIGINS", {"CORS_ORIGINS": "*", "CORS_ALLOW_CREDENTIALS": "true"}),
    ],
)
def test_production_refuses_what_is_meant_for_development(
    environment: pytest.MonkeyPatch,
    name: str,
    variables: dict[str, str],
) -> None:
    environment.setenv("SECRET_KEY", STRONG_KEY)
    for variable, value in variables.items():
        environment.setenv(variable, value)
    environment.setenv("APP_ENV", "development")
    load_settings()

    environment.setenv("APP_ENV", "production")
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize("key", ["change-me", "change-me-" * 4])
def test_a_placeholder_is_called_one_however_long_it_is(
    environment: pytest.MonkeyPatch,
    key: str,
) -> None:
    environment.setenv("APP_ENV", "production")
    environment.setenv("SECRET_KEY", key)

    with pytest.raises(SettingsError, match=r"SECRET_KEY: this is a placeholder"):
        load_settings()


def test_a_password_that_was_left_at_the_examples_is_refused_in_production_only(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SECRET_KEY", STRONG_KEY)
    passwords = [
        name for name in Settings.model_fields if name.endswith(("_PASSWORD", "_SECRET_ACCESS_KEY"))
    ]
    for name in passwords:
        environment.setenv(name, "change-me")
    load_settings()

    environment.setenv("APP_ENV", "production")
    for name in passwords:
        with pytest.raises(SettingsError, match=f"{name}: this is the placeholder"):
            load_settings()


def test_settings_are_read_once(environment: pytest.MonkeyPatch) -> None:
    first = get_settings()
    environment.setenv("PROJECT_NAME", "Another")

    assert get_settings() is first


def test_settings_cannot_be_changed_while_the_service_runs(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "API_PORT", 1)  # noqa: B010 (the type checker refuses it otherwise)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("API_PORT", "70000", "less than or equal to 65535"),
        ("HEALTH_TIMEOUT", "0", "greater than 0"),
        ("APP_ENV", "staging", "'production'"),
        ("DEBUG", "perhaps", "valid boolean"),
        ("API_PORT", "tcp://10.96.0.7:8000", "Kubernetes set it .* a Service named api; set"),
        ("ALLOWED_HOSTS", "a.test,api.test:8000", "'api.test:8000' is no host"),
        ("ALLOWED_HOSTS", "api.*.test", "without a scheme, a port or a path"),
        ("CORS_ORIGINS", "https://*.app.test", "without a path and without a wildcard"),
        ("CORS_ORIGINS", "https://app.test/page", "no origin"),
        ("CORS_ORIGINS", "['https://app.test']", "no origin"),
        ("CORS_ORIGINS", "[1]", "valid string"),
        ("ROOT_PATH", "orders", "this is no path"),
        ("ROOT_PATH", "/api", "paths of its own below /api"),
        ("ROOT_PATH", "/docs", "paths of its own below /docs"),
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

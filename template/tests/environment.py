"""Settings as the environment variables that would give them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import Settings, get_settings

PASSED_ON = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TEMP", "TMPDIR", "USERPROFILE")
"""What a program of this machine needs besides its settings."""


def as_variables(settings: Settings) -> dict[str, str]:
    """Return `settings` as environment variables; what is None has none."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    return {name: _as_text(value) for name, value in values.items() if value is not None}


def environment_of(settings: Settings) -> dict[str, str]:
    """Return a whole environment for a program that shall run with `settings`."""
    machine = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**machine, **as_variables(settings)}


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, list) else str(value)


@pytest.fixture
def environment(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[pytest.MonkeyPatch]:
    """This process's environment, from which `settings` are read; no .env file is around."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    for name, value in as_variables(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()

"""What the tests of the settings share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.config import Settings, get_settings
from tests.environment import as_variables


@pytest.fixture
def environment(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[pytest.MonkeyPatch]:
    """An environment from which usable settings are read, and a folder without .env files."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    for name, value in as_variables(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()

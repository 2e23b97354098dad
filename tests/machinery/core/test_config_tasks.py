"""The settings of the tasks."""

import pytest

from app.core.config import load_settings
from app.core.settings.errors import SettingsError

NEEDS = "app.core.tasks"


@pytest.mark.parametrize("name", ["two words", "a.b", "all>", "*"])
def test_a_stream_name_that_the_server_would_refuse_is_refused(
    environment: pytest.MonkeyPatch,
    name: str,
) -> None:
    environment.setenv("NATS_STREAM", name)

    with pytest.raises(SettingsError, match=r"NATS_STREAM: .*letters, digits"):
        load_settings()

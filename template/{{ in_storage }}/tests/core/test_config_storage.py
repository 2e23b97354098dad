"""The settings of the object storage."""

import pytest

from app.core.config import load_settings
from app.core.settings.errors import SettingsError

COMPLETE = {
    "S3_ENDPOINT": "https://s3.internal",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "hunter2",
    "S3_BUCKET": "shop",
    "S3_REGION": "auto",
}


@pytest.fixture
def storage(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with a complete configuration of an S3 service."""
    for name, value in COMPLETE.items():
        environment.setenv(name, value)
    return environment


@pytest.mark.parametrize("missing", ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_BUCKET"])
def test_a_partial_configuration_names_what_is_missing(
    storage: pytest.MonkeyPatch,
    missing: str,
) -> None:
    load_settings()
    storage.delenv(missing)

    with pytest.raises(SettingsError, match=missing) as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_ENDPOINT", "s3.internal"),
        ("S3_BUCKET", "ab"),
        ("S3_BUCKET", "two words"),
        ("S3_ADDRESSING_STYLE", "sideways"),
        ("S3_MULTIPART_THRESHOLD", "1024"),
    ],
)
def test_a_value_that_no_service_would_take_is_refused(
    storage: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    storage.setenv(name, value)

    with pytest.raises(SettingsError, match=f"{name}: "):
        load_settings()

"""The settings of the object storage."""

import pytest

from app.core.config import load_settings
from app.core.settings.errors import SettingsError

NEEDS = "app.common.oss"
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


def test_both_keys_are_named_where_both_are_missing(storage: pytest.MonkeyPatch) -> None:
    storage.delenv("S3_ACCESS_KEY_ID")
    storage.delenv("S3_SECRET_ACCESS_KEY")

    with pytest.raises(SettingsError, match="S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY"):
        load_settings()


def test_keys_that_are_missing_are_told_together_with_an_address_that_is_wrong(
    storage: pytest.MonkeyPatch,
) -> None:
    storage.setenv("S3_ENDPOINT", "s3.internal")
    storage.delenv("S3_ACCESS_KEY_ID")
    storage.delenv("S3_SECRET_ACCESS_KEY")

    with pytest.raises(SettingsError, match=r"(?s)S3_ENDPOINT: .*set S3_ACCESS_KEY_ID and"):
        load_settings()


@pytest.mark.parametrize("name", ["S3_ENDPOINT", "S3_PUBLIC_ENDPOINT"])
@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        ("id:hunter2", "leave credentials out"),
        ("id:a@b/hunter2", "encode it"),
        ("id:hunter2#", "encode it"),
    ],
)
def test_an_address_with_credentials_is_refused_without_repeating_them(
    storage: pytest.MonkeyPatch,
    name: str,
    credentials: str,
    reason: str,
) -> None:
    storage.setenv(name, f"https://{credentials}@s3.internal")

    with pytest.raises(SettingsError, match=f"{name}: .*{reason}") as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("kind", ["development", "production"])
def test_the_server_of_the_dev_stack_is_a_hint_for_development_only(
    storage: pytest.MonkeyPatch,
    kind: str,
) -> None:
    storage.setenv("APP_ENV", kind)
    storage.delenv("S3_ENDPOINT")

    with pytest.raises(SettingsError, match="S3_REGION: ") as caught:
        load_settings()

    assert ("uv run dev" in str(caught.value)) == (kind == "development")


def test_aws_itself_needs_a_region_but_neither_endpoint_nor_keys(
    storage: pytest.MonkeyPatch,
) -> None:
    for name in ("S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        storage.delenv(name)
    with pytest.raises(SettingsError, match="S3_REGION"):
        load_settings()

    storage.setenv("S3_REGION", "eu-central-1")
    assert load_settings().S3_ENDPOINT is None

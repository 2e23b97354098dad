"""The settings of the database."""

import pytest
from sqlalchemy import make_url

from app.core.config import load_settings
from app.core.settings.errors import SettingsError

PASSWORD = "p@ss/w:o%20rd#?&é ü"


@pytest.fixture
def parts(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that gives the database in parts."""
    environment.delenv("DATABASE_URL", raising=False)
    for name, value in {
        "DB_USER": "alice@example",
        "DB_PASSWORD": PASSWORD,
        "DB_HOST": "db.internal",
        "DB_PORT": "5433",
        "DB_NAME": "shop",
    }.items():
        environment.setenv(name, value)
    return environment


def test_the_address_is_made_of_its_parts_for_both_kinds_of_driver(
    parts: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()

    for text, driver in (
        (settings.database_url, "postgresql+asyncpg"),
        (settings.database_url_sync, "postgresql"),
    ):
        url = make_url(text)
        assert url.drivername == driver
        assert (url.host, url.port, url.database) == ("db.internal", 5433, "shop")


def test_special_characters_in_user_and_password_survive(parts: pytest.MonkeyPatch) -> None:
    url = make_url(load_settings().database_url)

    assert (url.username, url.password) == ("alice@example", PASSWORD)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_whole_address_overrides_the_parts(parts: pytest.MonkeyPatch, scheme: str) -> None:
    parts.setenv("DATABASE_URL", f"{scheme}://bob:s%40cret@other:6543/else?application_name=x\n")

    settings = load_settings()

    assert settings.database_url == "postgresql+asyncpg://bob:s%40cret@other:6543/else"
    assert settings.database_url_sync == (
        "postgresql://bob:s%40cret@other:6543/else?application_name=x"
    )


@pytest.mark.parametrize(
    "address",
    ["mysql://bob:hunter2@other/else", "hunter2", "postgresql://bob:x@other:hunter2/else"],
)
def test_a_wrong_address_is_refused_without_repeating_it(
    parts: pytest.MonkeyPatch,
    address: str,
) -> None:
    parts.setenv("DATABASE_URL", address)

    with pytest.raises(SettingsError, match="DATABASE_URL: ") as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)

"""The settings of the database."""

import pytest
from sqlalchemy import make_url

from app.core.config import load_settings
from app.core.settings_display import displayed
from app.core.settings_errors import SettingsError

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
    parts.setenv("DATABASE_URL", f"{scheme}://bob:s%40cret@other:6543/else?application_name=x")

    settings = load_settings()

    assert settings.database_url == (
        "postgresql+asyncpg://bob:s%40cret@other:6543/else?application_name=x"
    )
    assert settings.database_url_sync.startswith("postgresql://bob:s%40cret@other:6543/else")


@pytest.mark.parametrize("name", ["sslmode", "ssl"])
def test_the_ssl_mode_of_an_address_reaches_each_driver_by_its_own_name(
    parts: pytest.MonkeyPatch,
    name: str,
) -> None:
    parts.setenv("DATABASE_URL", f"postgresql://bob@other/else?{name}=require")

    settings = load_settings()

    assert settings.database_url.endswith("?ssl=require")
    assert settings.database_url_sync.endswith("?sslmode=require")


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


@pytest.mark.parametrize("kind", ["development", "production"])
def test_without_user_and_address_both_ways_to_mend_it_are_told_and_the_third_in_development(
    parts: pytest.MonkeyPatch,
    kind: str,
) -> None:
    parts.setenv("APP_ENV", kind)
    parts.delenv("DB_USER")

    with pytest.raises(SettingsError, match=r"DB_USER: neither it nor DATABASE_URL") as caught:
        load_settings()

    assert ("uv run dev" in str(caught.value)) == (kind == "development")


def test_a_wrong_address_is_the_only_fault_that_is_told_of_it(parts: pytest.MonkeyPatch) -> None:
    parts.setenv("DATABASE_URL", "nonsense")
    parts.delenv("DB_USER")

    with pytest.raises(SettingsError, match="DATABASE_URL: ") as caught:
        load_settings()

    assert "DB_USER" not in str(caught.value)


def test_no_password_shows_where_settings_are_displayed(parts: pytest.MonkeyPatch) -> None:
    parts.setenv("DATABASE_URL", "postgresql://bob:hunter2@other/else")

    shown = "\n".join(displayed(load_settings()))

    assert PASSWORD not in shown
    assert "hunter2" not in shown

"""The settings of the database."""

import re

import pytest

from app.core.config import load_settings
from app.core.dialect import connect_arguments, engine_arguments
from app.core.settings.display import displayed
from app.core.settings.errors import SettingsError
from tests.servers import yours

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


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("other/else?ssl=true", "other/else?sslmode=require"),
        ("other/else?sslmode=require&channel_binding=prefer", "other/else?sslmode=require"),
        ("other/else?fallback_application_name=a%20b", "other/else?application_name=a%20b"),
        ("other/else?options=-c%20a%3Db", "other/else?options=-c%20a%3Db"),
        ("other/else?schema=public", "other/else?options=-c%20search_path%3D%22public%22"),
        ("other/else?pgbouncer=false", "other/else"),
        ("one:1,two:2/else?target_session_attrs=primary", None),
        ("/else?host=%2Fcloudsql%2Fa:b:c", "%2Fcloudsql%2Fa%3Ab%3Ac/else"),
        ("/else?host=other&port=6543", "other:6543/else"),
        ("[::1]:6543/else", None),
    ],
)
def test_what_providers_write_in_an_address_is_understood(
    parts: pytest.MonkeyPatch,
    written: str,
    understood: str | None,
) -> None:
    parts.setenv("DATABASE_URL", f"postgresql://bob:x@{written}")

    assert load_settings().database_url_sync == f"postgresql://bob:x@{understood or written}"


def test_the_pool_and_all_others_connect_in_the_same_way(parts: pytest.MonkeyPatch) -> None:
    address = "postgresql://bob@other/else?prepared_statement_cache_size=0&connect_timeout=7"
    parts.setenv("DATABASE_URL", address)
    settings = load_settings()

    assert connect_arguments(settings) == {
        "dsn": "postgresql://bob@other/else",
        "timeout": 7,
        "command_timeout": settings.DB_STATEMENT_TIMEOUT,
        "statement_cache_size": 0,
    }
    assert engine_arguments(settings) == {
        **connect_arguments(settings),
        "prepared_statement_cache_size": 0,
    }


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("channel_binding=require", "sslmode=verify-full"),
        ("pgbouncer=true", "transaction mode"),
        ("connection_limit=5", "DB_POOL_SIZE"),
        ("statement_timeout=hunter2", "options=-c%20statement_timeout%3D"),
        ("sslmode=hunter2", "sslmode must be one of disable"),
        ("connect_timeout=hunter2", "connect_timeout must be a number"),
        ("target_session_attrs=hunter2", "target_session_attrs must be one of"),
        ("schema=a,hunter2", "schema must be the name"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_by_its_name(
    parts: pytest.MonkeyPatch,
    query: str,
    reason: str,
) -> None:
    parts.setenv("DATABASE_URL", f"postgresql://bob@other/else?{query}")

    with pytest.raises(SettingsError, match=f"DATABASE_URL: .*{re.escape(reason)}") as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "password", ["a@hunter2", "a/hunter2", "a#hunter2", "a?hunter2", "a%hunter2"]
)
def test_a_password_that_is_not_encoded_is_refused_without_repeating_it(
    parts: pytest.MonkeyPatch,
    password: str,
) -> None:
    address = f"postgresql://bob:{password}@127.0.0.1:5432/else"
    parts.setenv("DATABASE_URL", address)
    with pytest.raises(SettingsError, match=r"DATABASE_URL: .*encode it in .*: @ is %40") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)

    parts.setenv("TEST_DATABASE_URL", address)
    with pytest.raises(pytest.exit.Exception, match=r"TEST_DATABASE_URL: .*@ is %40") as ended:
        yours()
    assert "hunter2" not in str(ended.value)


@pytest.mark.parametrize("host", ["db:5432", "postgresql://db", "bob@db", ""])
def test_a_host_that_is_more_than_one_is_refused(parts: pytest.MonkeyPatch, host: str) -> None:
    parts.setenv("DB_HOST", host or " ")

    with pytest.raises(SettingsError, match="DB_HOST: it must be a host name only"):
        load_settings()


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

"""The settings of NATS."""

import pytest

from app.core.config import load_settings
from app.core.settings_display import displayed
from app.core.settings_errors import SettingsError


def test_several_servers_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NATS_URL", "nats://one:4222, tls://two:4222,")

    assert load_settings().nats_servers == ["nats://one:4222", "tls://two:4222"]


def test_the_older_name_of_the_address_is_read_as_well(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NATS_SERVER_URL", "nats://older:4222")
    assert load_settings().nats_servers != ["nats://older:4222"]

    environment.delenv("NATS_URL")
    assert load_settings().nats_servers == ["nats://older:4222"]


@pytest.mark.parametrize("address", ["localhost:4222", "http://one:4222", ","])
def test_an_address_that_nats_cannot_use_is_refused(
    environment: pytest.MonkeyPatch,
    address: str,
) -> None:
    environment.setenv("NATS_URL", address)

    with pytest.raises(SettingsError, match=r"NATS_URL: .*nats://"):
        load_settings()


def test_passwords_in_addresses_do_not_show_where_settings_are_displayed(
    environment: pytest.MonkeyPatch,
) -> None:
    urls = "nats://bob:hunter2@one:4222,nats://tok3n@two:4222,nats://bob:p@ss/w@rd@three:4222"
    environment.setenv("NATS_URL", urls)
    environment.setenv("NATS_PASSWORD", "hunter3")

    shown = "\n".join(displayed(load_settings()))

    for host in ("one", "two", "three"):
        assert f"nats://********@{host}:4222" in shown
    assert not {"hunter2", "tok3n", "hunter3"} & set(shown.replace("@", ":").split(":"))
    assert "hunter" not in shown

"""The settings of NATS."""

import pytest

from app.core.config import load_settings
from app.core.settings.display import displayed
from app.core.settings.errors import SettingsError


def test_several_servers_are_separated_by_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NATS_URL", "nats://one:4222, tls://two:4222,")

    assert load_settings().nats_servers == ["nats://one:4222", "tls://two:4222"]


@pytest.mark.parametrize("address", ["localhost:4222", "http://one:4222", ","])
def test_an_address_that_nats_cannot_use_is_refused(
    environment: pytest.MonkeyPatch,
    address: str,
) -> None:
    environment.setenv("NATS_URL", address)

    with pytest.raises(SettingsError, match=r"NATS_URL: .*nats://"):
        load_settings()


@pytest.mark.parametrize("credentials", ["bob:hunter2", "hunter2"])
def test_passwords_in_addresses_do_not_show_where_settings_are_displayed(
    environment: pytest.MonkeyPatch,
    credentials: str,
) -> None:
    environment.setenv("NATS_URL", f"nats://{credentials}@one:4222,nats://{credentials}@two:4222")
    environment.setenv("NATS_PASSWORD", "hunter3")

    shown = "\n".join(displayed(load_settings()))

    assert "nats://********@one:4222,nats://********@two:4222" in shown
    assert "hunter" not in shown

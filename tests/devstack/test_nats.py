"""NATS on this machine."""

import socket
from pathlib import Path

import nats

from devstack.nats import NatsServer
from devstack.process import HOST
from devstack.stack import Stack


class Asked(NatsServer):
    """One whose port is another program's."""

    async def answers(self) -> bool:
        return await self._answers()


async def test_a_program_that_says_nothing_is_not_taken_for_it(tmp_path: Path) -> None:
    server = Asked(tmp_path)
    with socket.create_server((HOST, 0)) as silent:
        server.ports["main"] = silent.getsockname()[1]

        assert not await server.answers()


async def test_messages_and_port_outlive_a_crash(live_servers: Stack) -> None:
    server = live_servers.nats
    await server.discard({})
    await server.start()
    url = server.url
    client = await nats.connect(url)
    await client.jetstream().add_stream(name="OUTLIVES", subjects=["outlives"])
    await client.jetstream().publish("outlives", b"")
    await client.close()

    await server.kill()
    await server.start()

    assert server.url == url
    client = await nats.connect(url)
    info = await client.jetstream().stream_info("OUTLIVES")
    assert info.state.messages == 1
    await client.close()
    await server.discard({})

"""NATS on this machine."""

import nats

from devstack.stack import Stack


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

"""PostgreSQL on this machine."""

import os

import asyncpg

from devstack.postgres import PostgresServer, create_database, drop_database
from devstack.stack import Stack


async def databases(server: PostgresServer) -> list[str]:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        return [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
    finally:
        await connection.close()


async def test_data_and_port_outlive_a_crash(live_servers: Stack) -> None:
    server = live_servers.postgres
    port = server.port
    await create_database(server.url("postgres"), "outlives")

    await server.kill()
    await server.start()

    assert server.port == port
    assert "outlives" in await databases(server)
    await drop_database(server.url("postgres"), "outlives")
    assert "outlives" not in await databases(server)


async def test_what_was_committed_a_moment_before_a_crash_is_there(live_servers: Stack) -> None:
    server = live_servers.postgres
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute("CREATE TABLE committed (number int)")

    await server.kill()
    await server.start()

    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute("DROP TABLE committed")
    await connection.close()


async def test_it_starts_though_a_stranger_has_the_pid_in_its_lock(live_servers: Stack) -> None:
    server = live_servers.postgres
    lock = server.folder / "data" / "postmaster.pid"
    contents = lock.read_text().splitlines()
    await server.kill()
    lock.write_text("\n".join([str(os.getpid()), *contents[1:]]))

    await server.start()

    assert await databases(server)


async def test_creating_a_database_that_is_there_leaves_it(live_servers: Stack) -> None:
    address = live_servers.postgres.url("postgres")
    await create_database(address, "twice")
    await create_database(address, "twice")
    await drop_database(address, "twice")

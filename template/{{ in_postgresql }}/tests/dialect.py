"""What the tests know of PostgreSQL: the server and its databases."""

from devstack.postgres import PostgresServer, address_of, create_database, drop_database
from devstack.stack import Stack

__all__ = ["address_of", "create_database", "database_server", "drop_database", "server_address"]


def database_server(servers: Stack) -> PostgresServer:
    """Return the database server among `servers`."""
    return servers.postgres


def server_address(servers: Stack) -> str:
    """Return the address of a database that `servers` have from the start."""
    return servers.postgres.url("postgres")

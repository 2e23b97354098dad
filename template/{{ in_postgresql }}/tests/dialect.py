"""What the tests know of PostgreSQL: the server, its databases, and how it says that it ends."""

from devstack.postgres import address_of, create_database, drop_database
from devstack.stack import Stack

__all__ = ["FAREWELL", "address_of", "create_database", "drop_database", "server_address"]

_SAID = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"

FAREWELL = b"E" + (len(_SAID) + 4).to_bytes(4) + _SAID
"""What the server says to a client before it closes the connection."""


def server_address(servers: Stack) -> str:
    """Return the address of a database that `servers` have from the start."""
    return servers.postgres.url("postgres")

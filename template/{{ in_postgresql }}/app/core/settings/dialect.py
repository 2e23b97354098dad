"""What the settings of the database say of PostgreSQL; quick to import, unlike its dialect."""

from typing import Final

ADDRESS: Final = "postgresql://user:password@host:port/name"
PORT: Final = 5432

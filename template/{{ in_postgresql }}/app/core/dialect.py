"""Everything specific to PostgreSQL: addresses, connections, errors, locks and statements.

Only this module and `core/rows.py` use the driver or SQLAlchemy's PostgreSQL dialect.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

import asyncpg
from sqlalchemy import URL, Insert, Select, Table, func
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase

from app.core.addresses import split_address
from app.core.config import Settings

T = TypeVar("T")
Record = asyncpg.Record

NAME: Final = "postgresql"
TITLE: Final = "PostgreSQL"
DRIVER: Final = "postgresql+asyncpg"

# ---------------------------------------------------------------------------------------------
# Addresses
# ---------------------------------------------------------------------------------------------

_SCHEMES: Final = {"postgresql", "postgres"}
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OTHER_SSL_MODES: Final = {"true": "require", "no-verify": "require", "false": "disable"}
_SESSIONS: Final = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")

_UNDERSTOOD: Final = {
    "application_name",
    "gsslib",
    "krbsrvname",
    "options",
    "passfile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "target_session_attrs",
}
"""Parameters of libpq that the driver supports too."""

_OTHER_NAMES: Final = {
    "ssl": "sslmode",
    "fallback_application_name": "application_name",
    "statement_cache_size": "prepared_statement_cache_size",
    "currentSchema": "schema",
    "search_path": "schema",
}
_IMPLIED: Final = {
    "channel_binding": {"disable", "prefer"},
    "client_encoding": {"auto", "utf8", "utf-8"},
    "gssencmode": {"disable", "prefer"},
    "load_balance_hosts": {"disable"},
    "pgbouncer": {"false"},
}
"""Parameters whose value is the default; they are ignored."""

TRANSACTION_MODE: Final = (
    "a pooler in transaction mode, which runs each transaction in another session. This service "
    "needs a session of its own: give the address of the database itself, or of a pooler in "
    "session mode. The README says more"
)
_REFUSALS: Final = {
    "channel_binding": "remove channel_binding=require from the address: the driver does not "
    "support it, and sslmode=verify-full authenticates the server too",
    "connection_limit": "remove connection_limit from the address, and set DB_POOL_SIZE",
    "pgbouncer": f"pgbouncer stands for {TRANSACTION_MODE}",
    "pool_timeout": "remove pool_timeout from the address, and set DB_POOL_TIMEOUT",
    "service": "remove service from the address, and write out what the service file contains",
    "socket_timeout": "remove socket_timeout from the address, and set DB_STATEMENT_TIMEOUT",
}


@dataclass(frozen=True, slots=True)
class Address:
    """The parsed address of the database.

    Attributes:
        hosts: one or several hosts with their ports, as in a URL; empty for the driver's default.
        parameters: parameters with the same name in libpq and the driver.
        statement_cache: number of prepared statements per connection; None for the default.
        connect_timeout: seconds; None for the value of the settings.
    """

    user: str
    password: str = field(repr=False)
    hosts: str
    database: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    statement_cache: int | None = None
    connect_timeout: float | None = None

    def __str__(self) -> str:
        """Return the address without the password."""
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"{NAME}://{user}{self.hosts or 'localhost'}/{quote(self.database, safe='')}"

    def url(self, driver: str = NAME) -> str:
        """Return the address with the password, for tools such as psql and for the driver."""
        credentials = quote(self.user, safe="")
        if self.password:
            credentials += f":{quote(self.password, safe='')}"
        query = "&".join(
            f"{name}={quote(value, safe='')}" for name, value in self.parameters.items()
        )
        return (
            f"{driver}://{credentials}{'@' if credentials else ''}{self.hosts}"
            f"/{quote(self.database, safe='')}{'?' if query else ''}{query}"
        )

    def engine_url(self) -> URL:
        """Return the URL of an engine; it connects with `connect_arguments`."""
        return URL.create(DRIVER, username=self.user or None, database=self.database or None)


def read_address(text: str) -> Address:
    """Parse an address as libpq and database providers write it.

    Raises:
        ValueError: it is invalid. The reason names parameters and repeats no value.
    """
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.partition("+")[0] not in _SCHEMES:
        raise ValueError("the address must start with postgresql://")
    _, credentials, hosts, path, query = split_address(text)
    user, _, password = credentials.partition(":")
    given = [part.partition("=") for part in query.split("&") if part]
    values = {unquote(name): unquote(value) for name, _, value in given}
    values = {_OTHER_NAMES.get(name, name): value for name, value in values.items()}
    host, port = values.pop("host", ""), values.pop("port", "")
    if host and not hosts:
        hosts = ",".join(map(_encoded_host, host.split(",")))
    if port and ":" not in hosts:
        hosts = _with_ports(hosts or "localhost", port)
    return Address(
        user=values.pop("user", "") or unquote(user),
        password=values.pop("password", "") or unquote(password),
        hosts=hosts,
        database=values.pop("dbname", "") or unquote(path.removeprefix("/")),
        statement_cache=_number(values, "prepared_statement_cache_size", int),
        connect_timeout=_number(values, "connect_timeout", float) or None,
        parameters=_parameters(values),
    )


def address_of_parts(
    *,
    user: str | None,
    password: str | None,
    host: str,
    port: int,
    database: str,
) -> Address:
    """Return the address with these parts."""
    hosts = f"[{host}]" if ":" in host and host[0] not in "/[" else host  # IPv6
    where = ",".join(map(_encoded_host, hosts.split(",")))
    return Address(user or "", password or "", _with_ports(where, str(port)), database)


def _encoded_host(host: str) -> str:
    return quote(host, safe="" if host.startswith("/") else ":[]")


def _with_ports(hosts: str, ports: str) -> str:
    each = hosts.split(",")
    numbers = ports.split(",")
    if not all(number.isdecimal() for number in numbers) or len(numbers) not in {1, len(each)}:
        raise ValueError("port must be a number, or one for each host")
    if len(numbers) == 1:
        numbers *= len(each)
    return ",".join(f"{host}:{number}" for host, number in zip(each, numbers, strict=True))


def _number(values: dict[str, str], name: str, kind: Callable[[str], T]) -> T | None:
    value = values.pop(name, None)
    try:
        return None if value is None else kind(value)
    except ValueError:
        raise ValueError(f"{name} must be a number") from None


def _parameters(values: dict[str, str]) -> dict[str, str]:
    schema = values.pop("schema", None)
    if schema is not None:
        if not re.fullmatch(r"[\w$-]+", schema):
            raise ValueError("schema must be the name of one schema")
        chosen = f'-c search_path="{schema}"'
        values["options"] = f"{values['options']} {chosen}" if "options" in values else chosen
    if values.get("sslrootcert") == "system":
        authorities = ssl.get_default_verify_paths().cafile
        if authorities is None:
            raise ValueError("sslrootcert=system finds no certificates here; name a file")
        values = {"sslmode": "verify-full", **values, "sslrootcert": authorities}
    if "sslmode" in values:
        mode = values["sslmode"]
        values["sslmode"] = _OTHER_SSL_MODES.get(mode.lower(), mode)
    for name, possible in (("sslmode", _SSL_MODES), ("target_session_attrs", _SESSIONS)):
        if name in values and values[name] not in possible:
            raise ValueError(f"{name} must be one of {', '.join(possible)}")
    for name, value in values.items():
        if name not in _UNDERSTOOD and value.lower() not in _IMPLIED.get(name, ()):
            raise ValueError(_refusal(name))
    return {name: value for name, value in values.items() if name in _UNDERSTOOD}


def _refusal(name: str) -> str:
    if not re.fullmatch(r"\w{1,40}", name):
        return "the parameters after the ? cannot be read"
    return _REFUSALS.get(
        name,
        f"the parameter {name} cannot be used in an address; "
        f"if it is a setting of the server, write options=-c%20{name}%3D…",
    )


# ---------------------------------------------------------------------------------------------
# Connections
# ---------------------------------------------------------------------------------------------

_PID: Final = "SELECT pg_backend_pid()"
_PROBE_TIMEOUT: Final = 1
"""Seconds."""

LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server is shutting down, and the socket is still open
)
"""Errors of an `OwnConnection` whose server is gone or temporarily unavailable."""


def connect_arguments(settings: Settings) -> dict[str, Any]:
    """Return the arguments of every connect; none is refused by a pooler."""
    address = settings.database_address
    arguments = {
        "dsn": address.url(),
        "timeout": address.connect_timeout or settings.DB_CONNECT_TIMEOUT,
        "command_timeout": settings.DB_STATEMENT_TIMEOUT,
    }
    if address.statement_cache is not None:
        arguments["statement_cache_size"] = address.statement_cache
    return arguments


def engine_arguments(settings: Settings) -> dict[str, Any]:
    """Return the arguments for the pool, which caches prepared statements itself."""
    arguments = connect_arguments(settings)
    cached = settings.database_address.statement_cache
    return arguments if cached is None else arguments | {"prepared_statement_cache_size": cached}


def is_closed(driver_connection: Any) -> bool:
    """Return whether a connection is known to be closed, without asking the server."""
    closed: bool = driver_connection.is_closed()
    return closed


async def shares_sessions(settings: Settings, connection: AsyncConnection) -> bool:
    """Return whether a pooler in transaction mode is between the service and the server.

    A pooler reports made-up process ids; only then a second connection is opened. In transaction
    mode, two connections that are open at the same time use the same session in turn.
    """
    driver_connection: Any = (await connection.get_raw_connection()).driver_connection
    pid = (await connection.exec_driver_sql(_PID)).scalar_one()
    if pid == driver_connection.get_server_pid():
        return False
    arguments = connect_arguments(settings) | {"statement_cache_size": 0}
    one = other = None
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT):
            one = await asyncpg.connect(**arguments)
            async with one.transaction():
                first = await one.fetchval(_PID)
            other = await asyncpg.connect(**arguments)
            async with other.transaction():
                second = await other.fetchval(_PID)
                if first == second:
                    return True
                async with one.transaction():
                    return bool(await one.fetchval(_PID) != first)
    except LOST:  # for example a pooler in session mode without a second session
        return False
    finally:
        for opened in (one, other):
            if opened is not None:
                opened.terminate()


class OwnConnection:
    """A connection outside the pool; its lock is released when it is closed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lead(self, name: str) -> bool:
        """Try to become the leader of `name`; always False on a read-only server."""
        found = await self._connection.fetchval(
            "SELECT CASE WHEN current_setting('transaction_read_only') = 'off' "
            "THEN pg_try_advisory_lock(hashtext($1)) END",
            name,
        )
        if found is None:
            raise asyncpg.ReadOnlySQLTransactionError(READ_ONLY)
        return bool(found)

    async def listen(self, channel: str, wake: Callable[[], object]) -> None:
        """Call `wake` whenever a transaction that notifies `channel` commits."""

        def on_notification(*_: object) -> None:
            wake()

        await self._connection.add_listener(channel, on_notification)

    async def read(self, statement: str) -> list[Record]:
        """Return the rows of `statement`."""
        return await self._connection.fetch(statement)

    async def delete(self, table: str, ids: Sequence[int]) -> None:
        """Delete the rows with these ids."""
        statement = f"DELETE FROM {table} WHERE id = ANY($1::bigint[])"  # noqa: S608 (ours)
        await self._connection.execute(statement, ids)

    async def write(self, table: str, column: str, values: Iterable[tuple[int, str]]) -> None:
        """Set the column of each row to a value, by the rows' ids."""
        statement = f"UPDATE {table} SET {column} = $2 WHERE id = $1"  # noqa: S608 (ours)
        await self._connection.executemany(statement, values)


@asynccontextmanager
async def own_connection(
    settings: Settings,
    name: str,
    *,
    close_timeout: float = 1,
) -> AsyncIterator[OwnConnection]:
    """Yield a connection outside the pool with the application name `name`.

    Its statements time out after 30 seconds. If this machine disappears, keepalives make the server
    release its lock after half a minute.
    """
    arguments = connect_arguments(settings) | {"command_timeout": 30}
    connection = await asyncpg.connect(**arguments, server_settings={"application_name": name})
    try:
        # Not as connection parameters: poolers refuse them.
        await connection.execute(
            "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
            "SET tcp_keepalives_count = 3",
        )
        yield OwnConnection(connection)
    finally:
        with suppress(*LOST):
            await connection.close(timeout=close_timeout)


# ---------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------

_LASTING: Final = {"28000", "28P01", "3D000"}
"""SQLSTATEs for a wrong user, password or database: waiting does not help."""

READ_ONLY: Final = "The database accepts no changes at the moment."

NOT_NOW: Final = {
    "08": "The database is unavailable at the moment.",
    "25006": READ_ONLY,
    "25P03": "The database ended a request that took too long.",  # idle in a transaction
    "25P04": "The database ended a request that took too long.",  # a transaction
    "40001": "Another request is changing the same data at the moment.",
    "40P01": "Another request is changing the same data at the moment.",  # deadlock
    "53": "The database lacks resources for this at the moment.",  # disk, memory, connections
    "55P03": "Another request is using the same data at the moment.",  # lock_timeout
    "57": "The database canceled this request; it may be shutting down.",  # statement_timeout, too
    "58030": "The database cannot reach its disk at the moment.",
}
"""SQLSTATEs, or their prefixes, of temporary errors: the same request may work later."""

_SHARED_SESSION: Final = {"26000", "42P05"}
"""SQLSTATEs of missing or duplicate prepared statements: another client shares the session."""


def code_of(error: object) -> str:
    """Return the SQLSTATE of `error`, empty if it is not the server's."""
    return getattr(error, "sqlstate", None) or ""


def not_now(error: object) -> str | None:
    """Return a sentence if `error` is temporary, else None."""
    code = code_of(error)
    return NOT_NOW.get(code) or NOT_NOW.get(code[:2])


def is_lasting(error: object) -> bool:
    """Return whether `error` is permanent: waiting does not help."""
    return code_of(error) in _LASTING


def is_shared_session(error: object) -> bool:
    """Return whether the cause is a pooler in transaction mode."""
    return code_of(error) in _SHARED_SESSION


def leads_elsewhere(error: object) -> bool:
    """Return whether the server became read-only: another one may be the primary now."""
    return code_of(error) == "25006"


# ---------------------------------------------------------------------------------------------
# Statements and types
# ---------------------------------------------------------------------------------------------

JSON: Final = JSONB

TIME_INDEX: Final[dict[str, Any]] = {"postgresql_using": "brin"}
"""How an index is made of when rows were written: the rows lie in that order."""

VERSION: Final = (
    "SELECT current_setting('server_version'), current_setting('transaction_read_only')"
)


def try_lock(number: int) -> str:
    """Return the query that tries to take the lock for its connection."""
    return f"SELECT pg_try_advisory_lock({number})"


def insert_or_ignore(table: Table) -> Insert:
    """Insert rows, ignoring those that exist."""
    return insert(table).on_conflict_do_nothing()


def insert_or_update(
    model: type[DeclarativeBase],
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> Insert:
    """Insert a row with `values`, or apply `changes` if its key exists."""
    return (
        insert(model)
        .values(**values)
        .on_conflict_do_update(
            index_elements=list(model.__table__.primary_key),
            set_=dict(changes),
        )
    )


def held(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Lock the selected rows against deletion until the transaction ends."""
    return statement.with_for_update(read=True, key_share=True)


def waking(statement: Insert, channel: str) -> Any:
    """Notify `channel` when the transaction of the insert commits."""
    return statement.returning(func.pg_notify(channel, ""))

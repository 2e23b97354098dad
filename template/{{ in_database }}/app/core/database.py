"""The database through SQLAlchemy: the engine, and sessions of one transaction each."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends
from loguru import logger
from sqlalchemy import (
    DateTime,
    Enum,
    ExceptionContext,
    MetaData,
    event,
    func,
    text,
)
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, Session, mapped_column

from app.core import dialect
from app.core.config import Settings
from app.core.errors import ServiceUnavailable
from app.core.resource import Resource, StartupError

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class DatabaseUnavailable(ServiceUnavailable):
    """The database is unavailable at the moment."""


class Base(DeclarativeBase):
    """The base of every model; names constraints so that migrations can find them."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own form)
        datetime: DateTime(timezone=True),
        # Stored as text: a new value needs no migration.
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            length=20,
            values_callable=lambda members: [member.value for member in members],
        ),
    }


class TimestampMixin:
    """The times of a row's creation and last change, with time zone, by the server's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ReadOnlySession(Session):
    """A session that refuses to write: it runs in autocommit, without a transaction."""


@event.listens_for(ReadOnlySession, "before_flush")
def _refuse_to_flush(session: Session, _context: object, _instances: object) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("This session only reads; use SessionDep to write.")


@event.listens_for(ReadOnlySession, "do_orm_execute")
def _refuse_to_write(statement: ORMExecuteState) -> None:
    if statement.is_insert or statement.is_update or statement.is_delete:
        raise RuntimeError("This session only reads; use SessionDep to write.")


# Both get their engine when the database is opened; importing this module opens no connection.
AsyncSessionFactory = async_sessionmaker(expire_on_commit=False, autoflush=False)
ReadSessionFactory = async_sessionmaker(
    expire_on_commit=False,
    autoflush=False,
    sync_session_class=ReadOnlySession,
)
AsyncSessionLocal = AsyncSessionFactory

async_engine: AsyncEngine


def __getattr__(name: str) -> Any:
    """Return `async_engine` while the database is open."""
    if name != "async_engine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    engine = AsyncSessionFactory.kw.get("bind")
    if engine is None:
        raise RuntimeError("The database is not open; open it with open_resources(settings).")
    return engine


def create_engine(settings: Settings) -> AsyncEngine:
    """Create an engine for `settings`; it connects on first use."""
    # `echo=True` would also print every statement, in addition to the log.
    logging.getLogger("sqlalchemy.engine").setLevel("INFO" if settings.DB_ECHO_LOG else "WARNING")
    engine = create_async_engine(
        settings.database_address.engine_url(),
        hide_parameters=settings.APP_ENV == "production",
        pool_size=settings.DB_POOL_SIZE,
        max_overflow=settings.DB_MAX_OVERFLOW,
        pool_timeout=settings.DB_POOL_TIMEOUT,
        pool_recycle=settings.DB_POOL_RECYCLE,
    )
    arguments = dialect.engine_arguments(settings)

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(driver: Any, _record: object, _args: Any, _kwargs: Any) -> Any:
        try:
            return driver.connect(**arguments)
        except Exception as error:
            raise DatabaseUnavailable from error

    @event.listens_for(engine.sync_engine, "checkin")
    def note_the_time(_connection: object, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    # The engine's own `pool_pre_ping` asks the server before each use: three round trips a request.
    @event.listens_for(engine.sync_engine, "checkout")
    def replace_what_is_dead(connection: Any, record: Any, _proxy: object) -> None:
        now = time.monotonic()
        is_dead = dialect.is_closed(connection.driver_connection)
        if not is_dead and now - record.info.get("idle_since", now) > settings.DB_POOL_PING_AFTER:
            is_dead = not _answers(engine, connection)
        if is_dead:
            raise InvalidatePoolError  # the pool replaces this connection and all others

    @event.listens_for(engine.sync_engine, "handle_error")
    def give_up(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, TimeoutError):
            # A response on this connection would be late, or never come.
            context.is_disconnect = True
            raise DatabaseUnavailable("The database did not respond in time.")
        if dialect.leads_elsewhere(context.original_exception):
            context.is_disconnect = True  # replace all connections: another server has taken over

    return engine


def _answers(engine: AsyncEngine, connection: Any) -> bool:
    try:
        engine.dialect.do_ping(connection)
    except Exception:  # any error: the next connect reports the reason
        return False
    return True


@contextmanager
def _unavailable_as_domain_error() -> Iterator[None]:
    """Raise DatabaseUnavailable (503) for an unavailable or overloaded server, not for bad SQL."""
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseUnavailable("Every database connection is in use.") from error
    except DBAPIError as error:
        reason = dialect.not_now(error.orig)
        if reason is None and not error.connection_invalidated:
            raise
        raise DatabaseUnavailable(reason) from error


async def get_async_session() -> AsyncIterator[AsyncSession]:
    """Yield the session of one transaction: committed at the end, rolled back on any error.

    As a dependency, use `SessionDep`: without its `scope="function"` FastAPI would commit only
    after the response was sent.
    """
    with _unavailable_as_domain_error():
        async with AsyncSessionFactory() as session, session.begin():
            yield session


async def get_read_session() -> AsyncIterator[AsyncSession]:
    """Yield a read-only session in autocommit: no BEGIN and no ROLLBACK."""
    with _unavailable_as_domain_error():
        async with ReadSessionFactory() as session:
            yield session


get_db = get_async_session
get_session_context = asynccontextmanager(get_async_session)
get_read_session_context = asynccontextmanager(get_read_session)

SessionDep = Annotated[AsyncSession, Depends(get_async_session, scope="function")]
ReadSessionDep = Annotated[AsyncSession, Depends(get_read_session, scope="function")]


async def wait_for_database(
    engine: AsyncEngine,
    *,
    max_attempts: int,
    delay: float,
    look: Callable[[AsyncConnection], Awaitable[None]] | None = None,
) -> None:
    """Wait until the database is available; try `max_attempts` times, `delay` seconds apart.

    Raises:
        DatabaseUnavailable: every attempt failed; the cause is the reason.
        Exception: any error of `look`, which is called with the first connection.
    """
    for attempt in range(1, max_attempts + 1):
        try:
            with _unavailable_as_domain_error():
                async with engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                    if look is not None:
                        await look(connection)
        except DatabaseUnavailable as error:
            if attempt == max_attempts or dialect.is_lasting(error.__cause__):
                raise
            if attempt == 1:
                logger.warning("The database is not available yet: {}", error.__cause__)
            await asyncio.sleep(delay)
        else:
            return


async def create_db_and_tables(max_attempts: int = 5, delay: float = 5) -> None:
    """Wait for the database and create missing tables, without migrations.

    For experiments in development only: such a schema cannot be migrated later.

    Args:
        max_attempts: maximum number of attempts to connect.
        delay: seconds between two attempts.
    """
    engine: AsyncEngine = __getattr__("async_engine")
    await wait_for_database(engine, max_attempts=max_attempts, delay=delay)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


@asynccontextmanager
async def connected_engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Yield an engine whose database is available.

    Raises:
        StartupError: the database was unavailable for `STARTUP_TIMEOUT`.
    """
    engine = create_engine(settings)
    address = settings.database_address

    async def look(connection: AsyncConnection) -> None:
        if await dialect.shares_sessions(settings, connection):
            raise _shared_session(address)

    try:
        attempts = max(1, round(settings.STARTUP_TIMEOUT))
        try:
            async with asyncio.timeout(settings.STARTUP_TIMEOUT + 1):  # attempts may hang, too
                await wait_for_database(engine, max_attempts=attempts, delay=1, look=look)
        except (DatabaseUnavailable, TimeoutError) as error:
            reason = error.__cause__ or "it does not respond"
            raise StartupError(
                f"The database cannot be reached at {address}: {reason}. "
                "Start it, or correct DATABASE_URL or the DB_* settings.",
            ) from error
        except DBAPIError as error:
            if dialect.is_shared_session(error.orig):
                raise _shared_session(address) from error
            raise
        yield engine
    finally:
        await engine.dispose()


def _shared_session(address: dialect.Address) -> StartupError:
    return StartupError(
        f"{address} is {dialect.TRANSACTION_MODE}.",
    )


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Yield an engine whose database is available, and bind the session factories to it.

    Raises:
        StartupError: the database was unavailable for `STARTUP_TIMEOUT`.
    """
    async with connected_engine(settings) as engine:
        AsyncSessionFactory.configure(bind=engine)
        ReadSessionFactory.configure(
            bind=engine.execution_options(isolation_level="AUTOCOMMIT"),
        )
        try:
            yield engine
        finally:
            AsyncSessionFactory.configure(bind=None)
            ReadSessionFactory.configure(bind=None)


async def check_database(engine: AsyncEngine) -> str:
    """Return the database's name and the server's version.

    Raises:
        DatabaseUnavailable: it does not respond, or is read-only at the moment.
    """
    with _unavailable_as_domain_error():
        async with engine.connect() as connection:
            version, read_only = (await connection.execute(text(dialect.VERSION))).one()
            if read_only == "on":
                await connection.invalidate()  # the next connection may reach the new primary
                raise DatabaseUnavailable(dialect.READ_ONLY)
    return f"{dialect.TITLE} {version}"


DATABASE = Resource("database", open_database, check_database)

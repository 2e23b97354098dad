"""What is PostgreSQL's own stands in one place, and works where poolers stand before it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

import app
from app.core.config import Settings
from app.core.database import check_database, connected_engine
from app.core.dialect import own_connection
from devstack.process import HOST
from tests.machinery.forwarding import forwarded

POOLERS_TAKE = {b"user", b"database", b"application_name", b"client_encoding", b""}


def refuse_as_a_pooler(startup: bytes) -> bytes | None:
    """Return what PgBouncer says to parameters that it does not know."""
    if refused := {*startup[8:].split(b"\0")[::2]} - POOLERS_TAKE:
        said = b"unsupported startup parameter: " + b", ".join(refused)
        body = b"SFATAL\0VFATAL\0C08P01\0M" + said + b"\0\0"
        return b"E" + (len(body) + 4).to_bytes(4) + body
    return None


@pytest.fixture
async def pooled(settings: Settings) -> AsyncIterator[Settings]:
    """The settings of a service behind something that takes the parameters of a pooler alone."""
    address = settings.database_url_sync
    async with forwarded(address, instead=refuse_as_a_pooler) as way:
        at = re.sub(r"(?<=@)[^/]+", f"{HOST}:{way.port}", address)
        url = SecretStr(f"{at}?sslmode=disable&prepared_statement_cache_size=0")
        yield settings.model_copy(update={"DATABASE_URL": url})


async def test_nothing_that_connects_says_what_poolers_refuse(pooled: Settings) -> None:
    async with connected_engine(pooled) as engine:
        assert await check_database(engine)
    async with own_connection(pooled, "test") as connection:
        assert await connection.lead("test of poolers")


def test_no_other_module_knows_the_driver() -> None:
    known = re.compile(r"^\s*(from|import) (asyncpg|sqlalchemy\.dialects)", re.MULTILINE)
    folder = Path(app.__path__[0])
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if known.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"core/dialect.py", "core/rows.py"}

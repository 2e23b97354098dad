"""The floor: what FastAPI serves with SQLAlchemy and a response model, and nothing else.

It does what `limit.py` does in the way that services are written: statements of SQLAlchemy Core
that are built once, and answers that pydantic checks and writes. What the service is slower than
this is its own doing: sessions, dependencies, cursors, the envelope, request ids, limits.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

METADATA = MetaData()
EXAMPLES = Table(
    "examples",
    METADATA,
    Column("id", Uuid, primary_key=True, default=uuid4),
    Column("name", String(100)),
    Column("description", String(2000)),
    Column("status", String(20)),
    Column("quantity", Integer),
    Column("version", Integer, default=1),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subject", Text),
    Column("aggregate_id", Text),
    Column("headers", JSONB),
    Column("payload", LargeBinary),
)
LIST = (
    select(EXAMPLES)
    .order_by(EXAMPLES.c.created_at.desc(), EXAMPLES.c.id.desc())
    .limit(bindparam("limit"))
)
READ = select(EXAMPLES).where(EXAMPLES.c.id == bindparam("id"))
CREATE = insert(EXAMPLES).returning(*EXAMPLES.c)
ANNOUNCE = insert(OUTBOX).inline()


class NewExample(BaseModel):
    """What the service takes."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=2000)
    status: Literal["draft", "active", "archived"] = "draft"
    quantity: int = Field(0, ge=0)


class Example(BaseModel):
    """What the service answers."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str
    status: Literal["draft", "active", "archived"]
    quantity: int
    created_at: datetime
    updated_at: datetime
    version: int


class Page(BaseModel):
    """A page of them."""

    items: list[Example]


engine: AsyncEngine
reading: AsyncEngine


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the database."""
    global engine, reading
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=20, max_overflow=0)
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class Status(BaseModel):
    """Whether it is there."""

    status: str


@app.get("/health/live")
async def live() -> Status:
    """Tell that the process runs."""
    return Status(status="alive")


@app.get("/health/ready")
async def ready() -> Status:
    """Ask the database."""
    async with reading.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return Status(status="ready")


@app.get("/api/v1/examples")
async def list_examples(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Page:
    """List the newest."""
    async with reading.connect() as connection:
        rows = (await connection.execute(LIST, {"limit": limit})).all()
    return Page(items=[Example.model_validate(row) for row in rows])


@app.get("/api/v1/examples/{example_id}")
async def get_example(example_id: UUID, response: Response) -> Example:
    """Return one."""
    async with reading.connect() as connection:
        row = (await connection.execute(READ, {"id": example_id})).one_or_none()
    if row is None:
        raise HTTPException(404)
    response.headers["ETag"] = f'"{row.version}"'
    return Example.model_validate(row)


@app.post("/api/v1/examples", status_code=201)
async def create_example(new: NewExample, response: Response) -> Example:
    """Store one and its event."""
    event_id = str(uuid4())
    try:
        async with engine.begin() as connection:
            row = (await connection.execute(CREATE, new.model_dump())).one()
            event = {"event_id": event_id, "version": 1, "example_id": str(row.id)}
            await connection.execute(
                ANNOUNCE,
                {
                    "subject": "events.example.created",
                    "aggregate_id": str(row.id),
                    "headers": {"Nats-Msg-Id": event_id},
                    "payload": json.dumps({**event, "name": new.name}).encode(),
                },
            )
    except IntegrityError:
        raise HTTPException(409) from None
    response.headers["Location"] = f"/api/v1/examples/{row.id}"
    response.headers["ETag"] = '"1"'
    return Example.model_validate(row)

"""The limit: what FastAPI and asyncpg serve when written by hand, with nothing around them.

It does the work of the service's examples on the same tables, by the same paths: rows become JSON
without a model in between, and an event goes to the outbox in the transaction of its example.
It has no envelope, no request ids, no cursors, no limits, and no errors but those of its routes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import asyncpg
import orjson
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from fastapi import FastAPI, HTTPException, Query, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

# ruff: noqa: S608 (the columns are these)
COLUMNS = "id, name, description, status, quantity, version, created_at, updated_at"
LIST = f"SELECT {COLUMNS} FROM examples ORDER BY created_at DESC, id DESC LIMIT $1"
READ = f"SELECT {COLUMNS} FROM examples WHERE id = $1"
CREATE = f"""
    INSERT INTO examples (id, name, description, status, quantity, version)
    VALUES ($1, $2, $3, $4, $5, 1) RETURNING {COLUMNS}
"""
ANNOUNCE = "INSERT INTO outbox (subject, aggregate_id, headers, payload) VALUES ($1, $2, $3, $4)"


class NewExample(BaseModel):
    """What the service takes."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=2000)
    status: Literal["draft", "active", "archived"] = "draft"
    quantity: int = Field(0, ge=0)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the database and the storage."""
    async with AsyncExitStack() as stack:
        app.state.pool = await stack.enter_async_context(
            asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=20),
        )
        app.state.s3 = await stack.enter_async_context(
            get_session().create_client(
                "s3",
                endpoint_url=os.environ["S3_ENDPOINT"],
                aws_access_key_id=os.environ["S3_ACCESS_KEY_ID"],
                aws_secret_access_key=os.environ["S3_SECRET_ACCESS_KEY"],
                region_name="us-east-1",
                config=AioConfig(
                    request_checksum_calculation="when_required",
                    s3={"addressing_style": "path"},
                ),
            ),
        )
        yield


app = FastAPI(lifespan=lifespan)


def as_json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return the response with `content`."""
    body = orjson.dumps(content, default=str)
    return Response(body, status, headers, media_type="application/json")


@app.get("/health/live")
async def live() -> Response:
    """Tell that the process runs."""
    return as_json({"status": "alive"})


@app.get("/health/ready")
async def ready() -> Response:
    """Ask the database."""
    await app.state.pool.fetchval("SELECT 1")
    return as_json({"status": "ready"})


@app.get("/api/v1/examples")
async def list_examples(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Response:
    """List the newest."""
    rows = await app.state.pool.fetch(LIST, limit)
    return as_json({"items": [dict(row) for row in rows]})


@app.get("/api/v1/examples/{example_id}")
async def get_example(example_id: UUID) -> Response:
    """Return one."""
    row = await app.state.pool.fetchrow(READ, example_id)
    if row is None:
        raise HTTPException(404)
    return as_json(dict(row), headers={"ETag": f'"{row["version"]}"'})


@app.post("/api/v1/examples")
async def create_example(new: NewExample) -> Response:
    """Store one and its event."""
    example_id = uuid4()
    event_id = str(uuid4())
    event = {"event_id": event_id, "version": 1, "example_id": str(example_id), "name": new.name}
    try:
        async with app.state.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                CREATE,
                example_id,
                new.name,
                new.description,
                new.status,
                new.quantity,
            )
            await connection.execute(
                ANNOUNCE,
                "events.example.created",
                str(example_id),
                orjson.dumps({"Nats-Msg-Id": event_id}).decode(),
                orjson.dumps(event),
            )
    except asyncpg.UniqueViolationError:
        raise HTTPException(409) from None
    headers = {"Location": f"/api/v1/examples/{example_id}", "ETag": '"1"'}
    return as_json(dict(row), 201, headers)


@app.post("/api/v1/examples/{example_id}/attachments")
async def upload_attachment(example_id: UUID, file: UploadFile) -> Response:
    """Store a file for one."""
    if await app.state.pool.fetchval("SELECT 1 FROM examples WHERE id = $1", example_id) is None:
        raise HTTPException(404)
    attachment_id = uuid4()
    await app.state.s3.put_object(
        Bucket=os.environ["S3_BUCKET"],
        Key=f"limit/{example_id}/{attachment_id}",
        Body=file.file,
        ContentType=file.content_type or "application/octet-stream",
    )
    path = f"/api/v1/examples/{example_id}/attachments/{attachment_id}"
    return as_json({"id": attachment_id, "size": file.size}, 201, {"Location": path})


@app.get("/api/v1/examples/{example_id}/attachments/{attachment_id}")
async def download_attachment(example_id: UUID, attachment_id: UUID) -> Response:
    """Send a file."""
    answer: Any = await app.state.s3.get_object(
        Bucket=os.environ["S3_BUCKET"],
        Key=f"limit/{example_id}/{attachment_id}",
    )
    return StreamingResponse(answer["Body"].iter_chunks(65536), media_type=answer["ContentType"])

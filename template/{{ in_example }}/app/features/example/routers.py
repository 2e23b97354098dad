"""The routes of examples. `write_router` has those that change something."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from app.common.error_handlers import error_responses
from app.common.pagination import InvalidCursor, Page, PageParamsDep
from app.common.preconditions import ExpectedVersionDep, InvalidIfMatch, etag
from app.features.example.errors import ExampleChanged, ExampleNameTaken, ExampleNotFound
from app.features.example.schemas import (
    ExampleCreate,
    ExampleFilters,
    ExampleResponse,
    ExampleUpdate,
)
from app.features.example.services import ExampleReaderDep, ExampleServiceDep

router = APIRouter(prefix="/examples", tags=["examples"])
write_router = APIRouter(prefix="/examples", tags=["examples"])


@router.get("", responses=error_responses(InvalidCursor))
async def list_examples(
    filters: Annotated[ExampleFilters, Query()],
    page: PageParamsDep,
    examples: ExampleReaderDep,
) -> Page[ExampleResponse]:
    """List the examples that match, page by page."""
    return await examples.list(filters, page)


@router.get("/{example_id}", responses=error_responses(ExampleNotFound))
async def get_example(
    example_id: UUID,
    response: Response,
    examples: ExampleReaderDep,
) -> ExampleResponse:
    """Return one example, with its version as ETag."""
    example = await examples.get(example_id)
    response.headers["ETag"] = etag(example.version)
    return example


@write_router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=error_responses(ExampleNameTaken),
)
async def create_example(
    data: ExampleCreate,
    request: Request,
    response: Response,
    examples: ExampleServiceDep,
) -> ExampleResponse:
    """Store a new example; Location says where it is."""
    example = await examples.create(data)
    response.headers["Location"] = f"{request.scope['path']}/{example.id}"
    response.headers["ETag"] = etag(example.version)
    return example


@write_router.patch(
    "/{example_id}",
    responses=error_responses(ExampleNotFound, ExampleNameTaken, ExampleChanged, InvalidIfMatch),
)
async def update_example(
    example_id: UUID,
    data: ExampleUpdate,
    version: ExpectedVersionDep,
    response: Response,
    examples: ExampleServiceDep,
) -> ExampleResponse:
    """Change some fields of an example; with If-Match only if nobody has changed it since."""
    example = await examples.update(example_id, data, version)
    response.headers["ETag"] = etag(example.version)
    return example


@write_router.delete(
    "/{example_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=error_responses(ExampleNotFound, ExampleChanged, InvalidIfMatch),
)
async def delete_example(
    example_id: UUID,
    version: ExpectedVersionDep,
    examples: ExampleServiceDep,
) -> None:
    """Delete an example; with If-Match only if nobody has changed it since."""
    await examples.delete(example_id, version)

"""The routes of examples."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.common.pagination import Page, PageParamsDep
from app.common.preconditions import ExpectedVersionDep, etag
from app.core.errors import raises
from app.features.example.errors import ExampleChanged, ExampleNameTaken, ExampleNotFound
from app.features.example.models import ExampleStatus
from app.features.example.repositories import ExampleReaderDep
from app.features.example.schemas import (
    ExampleCreate,
    ExampleResponse,
    ExampleSearch,
    ExampleSort,
    ExampleUpdate,
)
from app.features.example.services import ExampleServiceDep

router = APIRouter(prefix="/examples", tags=["examples"])


@router.get("")
async def list_examples(
    page: PageParamsDep,
    examples: ExampleReaderDep,
    status: ExampleStatus | None = None,
    q: ExampleSearch = None,
    sort: ExampleSort = "-created_at",
) -> Page[ExampleResponse]:
    """List the examples that match, page by page."""
    return await examples.page(page, sort, status=status, q=q)


@router.get("/{example_id}")
@raises(ExampleNotFound)
async def get_example(
    example_id: UUID,
    response: Response,
    examples: ExampleReaderDep,
) -> ExampleResponse:
    """Return one example, with its version as ETag."""
    example = await examples.read(example_id)
    response.headers["ETag"] = etag(example.version)
    return example


@router.post("", status_code=201)
@raises(ExampleNameTaken)
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


@router.patch("/{example_id}")
@raises(ExampleNotFound, ExampleNameTaken, ExampleChanged)
async def update_example(
    example_id: UUID,
    data: ExampleUpdate,
    versions: ExpectedVersionDep,
    response: Response,
    examples: ExampleServiceDep,
) -> ExampleResponse:
    """Change some fields of an example; with If-Match only if nobody has changed it since."""
    example = await examples.update(example_id, data, versions)
    response.headers["ETag"] = etag(example.version)
    return example


@router.delete("/{example_id}", status_code=204)
@raises(ExampleNotFound, ExampleChanged)
async def delete_example(
    example_id: UUID,
    versions: ExpectedVersionDep,
    examples: ExampleServiceDep,
) -> None:
    """Delete an example; with If-Match only if nobody has changed it since."""
    await examples.delete(example_id, versions)

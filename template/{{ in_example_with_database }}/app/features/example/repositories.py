"""The queries on examples."""

from typing import Annotated, ClassVar

from fastapi import Depends
from sqlalchemy import bindparam, func

from app.common.repository import Repository
from app.features.example.errors import ExampleChanged, ExampleNameTaken, ExampleNotFound
from app.features.example.models import Example
from app.features.example.schemas import ExampleResponse


class ExampleRepository(Repository[Example, ExampleResponse]):
    """The examples in the database."""

    model = Example
    response = ExampleResponse
    filters: ClassVar = {
        "status": Example.status == bindparam("status"),
        "q": func.strpos(func.lower(Example.name), func.lower(bindparam("q"))) > 0,
    }
    missing = ExampleNotFound
    changed = ExampleChanged
    taken: ClassVar = {"uq_examples_name": ExampleNameTaken}


ExampleRepositoryDep = Annotated[ExampleRepository, Depends(ExampleRepository.in_transaction)]
ExampleReaderDep = Annotated[ExampleRepository, Depends(ExampleRepository.for_reading)]

"""What the tests of examples share."""

import pytest
from fastapi import FastAPI

from app.features.example.repositories import ExampleRepository


@pytest.fixture(autouse=True)
def no_examples(app: FastAPI) -> None:
    """Begin without examples: those in memory cannot be rolled back."""
    app.state.examples = ExampleRepository()

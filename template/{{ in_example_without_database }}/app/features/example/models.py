"""What an example is."""

from enum import StrEnum


class ExampleStatus(StrEnum):
    """Where an example stands in its life."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"

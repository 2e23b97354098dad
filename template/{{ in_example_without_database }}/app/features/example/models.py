"""What an example is."""

from enum import StrEnum


class ExampleStatus(StrEnum):
    """The state of an example."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"

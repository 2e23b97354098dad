"""The subjects of events: `events.{domain}.{action}`, the action in the past tense."""

from typing import Final

EXAMPLE_CREATED: Final = "events.example.created"
EXAMPLE_UPDATED: Final = "events.example.updated"
EXAMPLE_DELETED: Final = "events.example.deleted"
# yours below

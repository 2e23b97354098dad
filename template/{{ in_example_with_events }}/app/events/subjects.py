"""The subjects of events: `events.{domain}.{action}`, the action in the past tense."""

EXAMPLE_CREATED = "events.example.created"
EXAMPLE_UPDATED = "events.example.updated"
EXAMPLE_DELETED = "events.example.deleted"
# yours below

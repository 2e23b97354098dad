"""The subjects of events: `events.{domain}.{action}`, the action in the past tense."""

# yours below

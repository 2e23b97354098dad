"""The schemas of events. Other services read them: add fields, never rename or retype one."""

from app.core.nats.base_event import BaseEvent

__all__ = ["BaseEvent"]


# yours below

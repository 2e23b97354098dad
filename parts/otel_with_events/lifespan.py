from app.core.broker import events_broker
from app.core.nats.event_broker import propagate
from app.observability.events import observed
from app.observability.messages import extract, inject

events_broker.handle = observed(events_broker.handle)
propagate(inject, extract)

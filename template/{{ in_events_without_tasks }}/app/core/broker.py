"""The brokers. They exist without a connection, and get the shared one when NATS is opened."""

from app.core.nats.event_broker import EventBroker

events_broker = EventBroker()

BROKERS = (events_broker,)

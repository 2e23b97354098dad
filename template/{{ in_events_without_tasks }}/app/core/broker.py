"""The brokers. They get the shared connection when NATS is opened."""

from app.core.nats.event_broker import EventBroker

events_broker = EventBroker()

BROKERS = (events_broker,)

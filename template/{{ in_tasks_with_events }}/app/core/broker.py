"""The brokers. They get the shared connection when NATS is opened."""

from app.core.nats.event_broker import EventBroker
from app.core.tasks.broker import CustomJetStreamBroker

tasks_broker = CustomJetStreamBroker()
broker = tasks_broker
events_broker = EventBroker()

BROKERS = (tasks_broker, events_broker)

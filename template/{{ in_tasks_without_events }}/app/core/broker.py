"""The brokers. They exist without a connection, and get the shared one when NATS is opened."""

from app.core.tasks.broker import CustomJetStreamBroker

tasks_broker = CustomJetStreamBroker()
broker = tasks_broker

BROKERS = (tasks_broker,)

"""The brokers. They get the shared connection when NATS is opened."""

from app.core.tasks.broker import CustomJetStreamBroker

tasks_broker = CustomJetStreamBroker()
broker = tasks_broker

BROKERS = (tasks_broker,)

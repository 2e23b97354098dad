from app.core.broker import events_broker
from app.core.nats.subscribers import run_subscribers

    lambda _, stop: run_subscribers(events_broker, stop),

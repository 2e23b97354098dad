from app.core.jetstream import NATS

    NATS,

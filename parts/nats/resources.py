from app.core.nats.resource import NATS

    NATS,

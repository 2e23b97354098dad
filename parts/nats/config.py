from app.core.settings.nats import NatsSettings

    NatsSettings,

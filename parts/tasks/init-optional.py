    nats_stream: str | None = None,

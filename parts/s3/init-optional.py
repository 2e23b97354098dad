    bucket: str | None = None,

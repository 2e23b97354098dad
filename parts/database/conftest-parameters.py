    database: str,

    db_name: str,

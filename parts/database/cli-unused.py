    "DATABASE_URL": None,
    "DB_USER": "unused",

            "DATABASE_URL": database,

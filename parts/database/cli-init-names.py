        "DB_NAME": db_name,

from app.checks.database import DATABASE_INSPECTION

    "database": DATABASE_INSPECTION{{ ".also(check_outbox)" if has_outbox else "" }},

from app.checks.database import DATABASE_INSPECTION

    "database": DATABASE_INSPECTION,

from app.core.database import DATABASE

    DATABASE,

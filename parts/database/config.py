from app.core.settings.database import DatabaseSettings

    DatabaseSettings,

from app.core.settings.storage import StorageSettings

    StorageSettings,

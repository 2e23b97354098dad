from app.core.settings.auth import AuthSettings

    AuthSettings,

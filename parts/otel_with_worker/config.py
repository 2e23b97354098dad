from app.core.settings.metrics import MetricsSettings

    MetricsSettings,

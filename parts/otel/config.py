from app.core.settings.otel import TelemetrySettings

    TelemetrySettings,

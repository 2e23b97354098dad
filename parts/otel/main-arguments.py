from app.observability.tracing import TELEMETRY

        telemetry=TELEMETRY,

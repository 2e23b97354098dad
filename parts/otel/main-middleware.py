from app.observability.metrics import MetricsMiddleware

    app.add_middleware(MetricsMiddleware)

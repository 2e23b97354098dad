from app.observability.worker_metrics import serve_metrics

    serve_metrics,

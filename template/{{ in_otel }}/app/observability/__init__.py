"""Observability: traces through OpenTelemetry, and Prometheus metrics."""

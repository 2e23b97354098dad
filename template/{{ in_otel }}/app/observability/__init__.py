"""What is seen of the service from outside: traces, through OpenTelemetry, and metrics."""

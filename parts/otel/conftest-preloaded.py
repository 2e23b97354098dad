        "opentelemetry.exporter.otlp.proto.http.trace_exporter",

from app.observability.database import trace_statements
from app.observability.tracing import on_start

on_start(trace_statements)

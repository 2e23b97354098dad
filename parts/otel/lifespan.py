from app.common.logging_config import add_log_fields
from app.observability.propagation import trace_ids

add_log_fields(trace_ids)

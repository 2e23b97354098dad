from app.observability.outbox import measure_outbox
from app.observability.worker_metrics import add_measure

add_measure(measure_outbox)

from app.core.broker import tasks_broker
from app.observability.tasks import TaskTelemetry

tasks_broker.add_middlewares(TaskTelemetry())

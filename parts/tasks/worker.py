from app.core.broker import tasks_broker

    tasks_broker.is_worker_process = True

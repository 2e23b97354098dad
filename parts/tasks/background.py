from app.core.broker import tasks_broker

    lambda _, stop: tasks_broker.work(stop),

from app.core.settings.tasks import TasksSettings

    TasksSettings,

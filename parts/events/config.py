from app.core.settings.events import EventsSettings

    EventsSettings,

from app.core.outbox.inbox import prune_inbox

    prune_inbox,

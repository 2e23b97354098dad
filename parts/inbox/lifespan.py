from app.core.broker import events_broker
from app.core.outbox.inbox import handle_once

events_broker.handle = handle_once

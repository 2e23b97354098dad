from app.core.outbox.relay import run_relay

    run_relay,

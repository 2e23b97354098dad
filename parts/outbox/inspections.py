from app.checks.outbox import check_outbox

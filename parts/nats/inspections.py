from app.checks.nats import NATS_INSPECTION

    "nats": NATS_INSPECTION,

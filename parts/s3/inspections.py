from app.checks.storage import STORAGE_INSPECTION

    "storage": STORAGE_INSPECTION,

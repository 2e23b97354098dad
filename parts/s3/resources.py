from app.common.oss import STORAGE

    STORAGE,

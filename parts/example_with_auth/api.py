from app.common.security import writes_signed_in

from app.common.security import TokenFirstRouter

"""For servers that are told where the application is: `uvicorn main:app`."""

from app.main import app

__all__ = ["app"]

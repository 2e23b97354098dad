"""Settings of a test run, which no .env file of the person reaches."""

import secrets
from collections.abc import Mapping
from typing import Any

from app.core.config import Settings


def make_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings with these `values`, and defaults for all others."""
    return Settings(**{"APP_ENV": "test", "SECRET_KEY": secrets.token_hex(), **values})

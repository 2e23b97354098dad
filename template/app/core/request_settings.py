"""The settings for whoever has a request: `SettingsDep` in a handler asks for them.

They stand apart from `app.core.config` so that a command that serves nothing needs no FastAPI.
"""

from typing import Annotated

from fastapi import Depends, Request

from app.core.config import Settings


async def settings_of(request: Request) -> Settings:
    """Return the settings that the application was created with."""
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(settings_of)]

"""The settings as a dependency of handlers: `SettingsDep`.

A module of its own, so that commands import `app.core.config` without FastAPI.
"""

from typing import Annotated

from fastapi import Depends, Request

from app.core.config import Settings


async def settings_of(request: Request) -> Settings:
    """Return the settings that the application was created with."""
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(settings_of)]

"""The settings of access tokens."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class AuthSettings(BaseSettings):
    """How access tokens are signed, and how long they are valid."""

    ALGORITHM: Literal["HS256", "HS384", "HS512"] = Field(
        "HS256",
        description="how access tokens are signed: HS256, HS384 or HS512.",
    )
    ACCESS_TOKEN_EXPIRE_MINUTES: int = Field(
        1440,
        ge=1,
        description="minutes that an access token is valid.",
    )

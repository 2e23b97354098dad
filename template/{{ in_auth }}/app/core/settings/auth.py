"""The settings of access tokens."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class AuthSettings(BaseSettings):
    """The algorithm and lifetime of access tokens."""

    ALGORITHM: Literal["HS256", "HS384", "HS512"] = Field(
        "HS256",
        description="the algorithm of access tokens: HS256, HS384 or HS512.",
    )
    ACCESS_TOKEN_EXPIRE_MINUTES: int = Field(
        1440,
        ge=1,
        description="lifetime of an access token in minutes.",
    )

"""The settings of NATS."""

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings

from app.core.addresses import split_address
from app.core.settings.servers import Password
from app.core.settings.types import CommaSeparated, Seconds


class NatsSettings(BaseSettings):
    """The connection to NATS."""

    NATS_URL: CommaSeparated = Field(
        default_factory=lambda: ["nats://localhost:4222"],
        validation_alias=AliasChoices("NATS_URL", "NATS_SERVER_URL"),
        description="nats://host:port; separate several servers by commas.",
    )
    NATS_USER: str | None = Field(None, description="the NATS user.")
    NATS_PASSWORD: Password | None = Field(None, description="the NATS user's password.")
    NATS_CONNECT_TIMEOUT: Seconds = Field(
        3,
        description="seconds to wait for NATS at the start before going on without it.",
    )

    @field_validator("NATS_URL")
    @classmethod
    def _nats_urls_have_a_scheme(cls, value: list[str]) -> list[str]:
        schemes = ("nats://", "tls://", "ws://", "wss://")
        if not value or not all(url.startswith(schemes) for url in value):
            raise ValueError(
                "each address must start with nats://, tls://, ws:// or wss://; "
                "a comma in a password is %2C",
            )
        credentials = {split_address(url)[1] for url in value}
        if len(credentials - {""}) > 1:
            raise ValueError("the addresses have different credentials; give the same to all")
        return value

    @property
    def nats_servers(self) -> list[str]:
        """The addresses of the NATS servers; the client tries them in turn."""
        return self.NATS_URL

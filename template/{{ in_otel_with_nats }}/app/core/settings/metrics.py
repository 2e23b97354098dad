"""The settings of the worker's metrics."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.core.settings.types import Port


class MetricsSettings(BaseSettings):
    """The address of the worker's metrics."""

    METRICS_HOST: str = Field(
        "127.0.0.1",
        description="the address for the worker's metrics.",
    )
    METRICS_PORT: Port | None = Field(
        None,
        description="the port of the worker's metrics, 1-65535; not served while unset.",
    )

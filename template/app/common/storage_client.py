"""The S3 client, set up so that every S3 service understands it."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from app.core.config import Settings

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

MAX_CONNECTIONS: Final = 100
SESSION: Final = AioSession()  # reads the description of S3 once, which takes a while


def open_client(settings: Settings) -> "AbstractAsyncContextManager[S3Client]":
    """Return the client to enter; no server has to answer for that.

    Without access keys it looks for AWS credentials by itself, such as an instance's role.
    """
    secret = settings.S3_SECRET_ACCESS_KEY
    return SESSION.create_client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=AioConfig(
            signature_version="s3v4",
            s3={"addressing_style": settings.S3_ADDRESSING_STYLE},
            # The client's own default checksums are rejected by services other than AWS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=settings.S3_CONNECT_TIMEOUT,
            read_timeout=settings.S3_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=MAX_CONNECTIONS,
        ),
    )

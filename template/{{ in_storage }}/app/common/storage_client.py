"""The S3 client, configured for all S3 services, and its errors.

The client library is imported on first use: importing it takes half of the service's start.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from app.core.config import Settings
from app.core.errors import DomainError, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from aiobotocore.session import AioSession
    from types_aiobotocore_s3 import S3Client

CHUNK_SIZE: Final = 256 * 1024
"""Chunk size in bytes."""

ATTEMPTS: Final = 2
MAX_CONNECTIONS: Final = 100

MISSING_OBJECT: Final = {"NoSuchKey", "NotFound", "404"}
BUSY: Final = {"SlowDown", "RequestTimeout", "Throttling", "TooManyRequests"}


class ObjectNotFound(NotFound):
    """No stored object has this key."""


class BucketNotFound(ServiceUnavailable):
    """The object storage has no such bucket."""


class StorageAccessDenied(ServiceUnavailable):
    """The object storage denies access to this service."""


class StorageUnavailable(ServiceUnavailable):
    """The object storage is unavailable at the moment."""


STORAGE_ERRORS: Final = (StorageUnavailable, StorageAccessDenied, BucketNotFound)


@contextmanager
def storage_errors(missing: type[DomainError] = ObjectNotFound) -> Iterator[None]:
    """Turn the client library's errors into the domain errors of this module.

    Denied access and a missing bucket are a 503, as an unavailable server is: the service is
    misconfigured, not the request. `missing` is raised for a 404 without an error code.
    """
    import botocore.exceptions as client_errors
    from aiohttp import ClientError as TransferError

    try:
        yield
    except client_errors.ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code == "NoSuchBucket":
            raise BucketNotFound from error
        if code in MISSING_OBJECT:
            raise missing from error
        if status in {401, 403}:
            raise StorageAccessDenied from error
        if status >= 500 or code in BUSY:
            raise StorageUnavailable from error
        raise
    except (client_errors.NoCredentialsError, client_errors.PartialCredentialsError) as error:
        raise StorageAccessDenied from error
    except (
        client_errors.ConnectionError,
        client_errors.HTTPClientError,
        client_errors.IncompleteReadError,
        TransferError,
    ) as error:
        raise StorageUnavailable from error


@cache
def client_session() -> "AioSession":
    """Return the session that creates clients; it loads the slow description of S3 once."""
    from aiobotocore.session import AioSession

    return AioSession()


def open_client(settings: Settings) -> "AbstractAsyncContextManager[S3Client]":
    """Return the client as an async context manager, without contacting the server.

    Without access keys it uses AWS's own credential chain, such as an instance's role.
    """
    from aiobotocore.config import AioConfig

    secret = settings.S3_SECRET_ACCESS_KEY
    return client_session().create_client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=AioConfig(
            signature_version="s3v4",
            s3={"addressing_style": settings.S3_ADDRESSING_STYLE},
            # Services other than AWS reject the client's default checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=settings.S3_CONNECT_TIMEOUT,
            read_timeout=settings.S3_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=MAX_CONNECTIONS,
        ),
    )

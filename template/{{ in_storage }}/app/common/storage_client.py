"""The S3 client, set up so that every S3 service understands it, and what can go wrong with it.

The client library is imported where it is first used: it takes as long as half of the service.
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
"""Bytes that are read at once."""

ATTEMPTS: Final = 2
MAX_CONNECTIONS: Final = 100

MISSING_OBJECT: Final = {"NoSuchKey", "NotFound", "404"}
BUSY: Final = {"SlowDown", "RequestTimeout", "Throttling", "TooManyRequests"}


class ObjectNotFound(NotFound):
    """No stored object has this key."""


class BucketNotFound(ServiceUnavailable):
    """The object storage has no such bucket."""


class StorageAccessDenied(ServiceUnavailable):
    """The object storage refuses what this service asks of it."""


class StorageUnavailable(ServiceUnavailable):
    """The object storage does not answer."""


STORAGE_ERRORS: Final = (StorageUnavailable, StorageAccessDenied, BucketNotFound)


@contextmanager
def storage_errors(missing: type[DomainError] = ObjectNotFound) -> Iterator[None]:
    """Turn the client library's errors into the domain errors of this module.

    A refusal or a missing bucket is a 503 like a server that is down: it is this service that is
    set up wrongly, whoever asks. `missing` is what a bare 404 stands for.
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
    """Return what makes clients; it reads the description of S3 once, which takes a while."""
    from aiobotocore.session import AioSession

    return AioSession()


def open_client(settings: Settings) -> "AbstractAsyncContextManager[S3Client]":
    """Return the client to enter; no server has to answer for that.

    Without access keys it looks for AWS credentials by itself, such as an instance's role.
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
            # The client's own default checksums are rejected by services other than AWS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=settings.S3_CONNECT_TIMEOUT,
            read_timeout=settings.S3_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=MAX_CONNECTIONS,
        ),
    )

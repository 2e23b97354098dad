"""What can go wrong between this service and its object storage, as domain errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import botocore.exceptions as client_errors
from aiohttp import ClientError as TransferError

from app.core.errors import DomainError, NotFound, ServiceUnavailable

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

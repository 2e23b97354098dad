"""The corner of the bucket that the service's own tests have."""

from tests.common.conftest import corner, s3_client, storage

__all__ = ["corner", "s3_client", "storage"]

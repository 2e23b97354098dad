"""A corner of the bucket for each test of the object storage."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.common.oss import ObjectStorage
from app.common.storage_client import open_client
from app.core.config import Settings

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PART_SIZE = 5 * 1024 * 1024


@pytest.fixture(scope="session")
async def s3_client(settings: Settings) -> AsyncIterator["S3Client"]:
    async with open_client(settings) as client:
        yield client


@pytest.fixture
def corner(settings: Settings) -> Settings:
    """Settings with a prefix of the test's own and the smallest parts that S3 allows."""
    changes = {"S3_PREFIX": f"test-oss/{uuid4()}", "S3_MULTIPART_THRESHOLD": PART_SIZE}
    return settings.model_copy(update=changes)


@pytest.fixture
def storage(s3_client: "S3Client", corner: Settings) -> ObjectStorage:
    return ObjectStorage(s3_client, corner)

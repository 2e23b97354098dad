"""What the tests leave on an S3 service of yours: nothing."""

from contextlib import suppress

from app.common.storage_client import open_client
from app.core.config import Settings


async def delete_bucket(settings: Settings) -> None:
    """Delete the bucket that `settings` name, if it is there, with all that is in it."""
    async with open_client(settings) as client:
        with suppress(client.exceptions.NoSuchBucket):
            async for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=settings.S3_BUCKET,
            ):
                for found in page.get("Contents", []):
                    await client.delete_object(Bucket=settings.S3_BUCKET, Key=found["Key"])
            await client.delete_bucket(Bucket=settings.S3_BUCKET)

"""What the tests leave on an S3 service of yours: nothing."""

from app.common.storage_client import open_client
from app.core.config import Settings


async def delete_bucket(settings: Settings) -> None:
    """Delete the bucket that `settings` name, with all that is in it."""
    async with open_client(settings) as client:
        async for page in client.get_paginator("list_objects_v2").paginate(
            Bucket=settings.S3_BUCKET,
        ):
            for found in page.get("Contents", []):
                await client.delete_object(Bucket=settings.S3_BUCKET, Key=found["Key"])
        await client.delete_bucket(Bucket=settings.S3_BUCKET)

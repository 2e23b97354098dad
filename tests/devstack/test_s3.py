"""The S3 service on this machine."""

import pytest
from botocore.exceptions import ClientError

from app.common.storage_client import open_client
from devstack.stack import Stack
from tests.run_settings import make_settings


async def test_objects_and_port_outlive_a_crash(live_servers: Stack) -> None:
    server = live_servers.s3
    address = server.environment("outlives", {})
    settings = make_settings(live_servers.environment("outlives", {}))
    async with open_client(settings) as client:
        await client.create_bucket(Bucket="outlives")
        await client.put_object(Bucket="outlives", Key="key", Body=b"content")

    await server.kill()
    await server.start()

    assert server.environment("outlives", {}) == address
    async with open_client(settings) as client:
        found = await client.get_object(Bucket="outlives", Key="key")
        assert await found["Body"].read() == b"content"


async def test_mistakes_that_other_services_punish_are_punished(live_servers: Stack) -> None:
    settings = make_settings(live_servers.environment("mistakes", {}))
    async with open_client(settings) as client:
        with pytest.raises(ClientError, match="NoSuchBucket"):
            await client.put_object(Bucket="mistakes", Key="key", Body=b"")
        await client.create_bucket(Bucket="mistakes")
        await client.put_object(Bucket="mistakes", Key="key", Body=b"")
        with pytest.raises(ClientError, match="BucketNotEmpty"):
            await client.delete_bucket(Bucket="mistakes")

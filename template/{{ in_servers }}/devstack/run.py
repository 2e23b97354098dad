"""Start the servers and the service, keep them running, and stop all of them."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import psutil

from devstack.environment import chosen_settings, is_yours, write_environment
from devstack.process import DevstackError, Process, port_is_free, read_record, write_record
from devstack.programs import Program
from devstack.stack import BACKGROUND_PROGRAMS, Stack

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".devstack"
COLORS = ("\x1b[36m", "\x1b[35m")
PATIENCE = 10.0  # seconds to wait for an earlier `uv run dev` to exit


@dataclass(frozen=True, slots=True)
class Options:
    """The command-line options; None means the value of the settings.

    Attributes:
        host: the address of the API.
        port: the port of the API.
        server_ports: the port of each server, by its name.
        servers_only: whether to run only the servers.
    """

    host: str | None
    port: int | None
    server_ports: Mapping[str, int | None]
    servers_only: bool


async def run(options: Options) -> None:
    """Run the servers and the service until this is canceled.

    Raises:
        DevstackError: a program cannot be started, or has exited; the text names it.
        SettingsError, SetupError, StartupError: the service cannot start; the text is the reason.
    """
    FOLDER.mkdir(exist_ok=True)
    async with _only_one_at_a_time():
        chosen = chosen_settings(ROOT)
        host = options.host or chosen.get("API_HOST", "127.0.0.1")
        port = options.port or _port_of_settings(chosen)
        if not options.servers_only:
            await _free_the_port(host, port)
        _write_missing_settings()
        stack = Stack(FOLDER, ports=options.server_ports)
        yours = [server for server in stack.servers if is_yours(server, chosen)]
        stack.servers = [server for server in stack.servers if server not in yours]
        try:
            environment = await _start_servers(stack, chosen)
            print("Starting.", flush=True)
            try:
                await _put_on_servers(stack, environment)
                places = {
                    **{server.title: "your own, as the settings say" for server in yours},
                    **{server.title: server.where(environment) for server in stack.servers},
                }
                if options.servers_only:
                    _announce(places)
                    await asyncio.Event().wait()
                await _run_programs(host, port, places)
            finally:
                print("Stopping.", flush=True)
        finally:
            (FOLDER / "env").unlink(missing_ok=True)  # its servers are stopped
            await stack.stop()


@asynccontextmanager
async def _only_one_at_a_time() -> AsyncIterator[None]:
    record = FOLDER / "dev.json"
    draft = FOLDER / f"dev.{os.getpid()}.json"
    write_record(draft, os.getpid(), psutil.Process().create_time())
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                os.link(draft, record)  # atomically, with its contents
                break
            except FileExistsError:
                other = read_record(record)
            if other is None:
                record.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise DevstackError(
                    f"`uv run dev` runs here already, as process {other.pid}. "
                    "Press Ctrl-C in its terminal, or end that process.",
                )
            await asyncio.sleep(0.1)
    finally:
        draft.unlink()
    try:
        yield
    finally:
        record.unlink(missing_ok=True)


def _port_of_settings(chosen: Mapping[str, str]) -> int:
    """Return the port of the API; 0 if it is invalid, which the settings report later."""
    text = chosen.get("API_PORT", "8000")
    return int(text) if text.isdecimal() and int(text) < 65536 else 0


def _write_missing_settings() -> None:
    if not (ROOT / ".env.development").exists():
        from app.project_files import write_project_files

        for line in write_project_files(ROOT, {}, force=False):
            print(line, flush=True)


async def _free_the_port(host: str, port: int) -> None:
    """Kill programs left from a crash; raise DevstackError if another program has the port."""
    for name in ("api", *BACKGROUND_PROGRAMS):
        await Process(FOLDER / f"{name}.json").kill()
    if not port_is_free(port, host):
        raise DevstackError(
            f"Port {port} is taken, so the API cannot listen there. Stop the program that uses it, "
            f"or choose another port: `uv run dev --port {port + 1}`.",
        )


async def _start_servers(stack: Stack, chosen: Mapping[str, str]) -> dict[str, str]:
    """Start the servers, check the settings with them, and return their addresses."""
    # Importing the service takes as long as starting the servers, so do both concurrently.
    await asyncio.gather(
        stack.start(),
        asyncio.to_thread(import_module, "devstack.prepare"),
    )
    from app.core.config import SERVICE_NAME, get_settings

    environment = {"APP_ENV": "development", **stack.environment(SERVICE_NAME, chosen)}
    os.environ.update(environment)
    get_settings()
    return environment


async def _put_on_servers(stack: Stack, environment: Mapping[str, str]) -> None:
    """Write the servers' addresses for other commands, and prepare the servers."""
    from app.core.config import get_settings
    from devstack.prepare import prepare

    write_environment(FOLDER / "env", environment)
    await stack.provide(environment)
    await prepare(get_settings())


async def _run_programs(host: str, port: int, places: Mapping[str, str]) -> None:
    """Run the service's programs until one of them exits."""
    in_color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if in_color:
        environment["FORCE_COLOR"] = "1"
    python = [sys.executable, "-m"]
    commands = {"api": [*python, "app", "serve", "--reload", "--host", host, "--port", str(port)]}
    commands |= {name: [*python, module] for name, module in BACKGROUND_PROGRAMS.items()}
    programs = [
        Program(name, color if in_color else "", command, environment, ROOT)
        for (name, command), color in zip(commands.items(), COLORS, strict=False)
    ]
    api, *background = programs
    tasks = [
        asyncio.create_task(work)
        for work in (
            api.ended(),
            _welcome(host, port, places),
            *(program.restart_on_change(ROOT / "app") for program in background),
        )
    ]
    try:
        for program in programs:
            await program.start()
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(program.stop() for program in programs))
        await asyncio.gather(*tasks, return_exceptions=True)


async def _welcome(host: str, port: int, places: Mapping[str, str]) -> None:
    """Print all addresses as soon as the API responds; then wait until canceled."""
    from app.checks.health import ask_health

    is_alive = False
    while not is_alive:
        await asyncio.sleep(0.1)
        is_alive, _ = await asyncio.to_thread(ask_health, host, port, "live", timeout=1)
    url = f"http://{host}:{port}"
    _announce({"API": url, "API docs": f"{url}/docs", **places})
    await asyncio.Event().wait()


def _announce(places: Mapping[str, str]) -> None:
    width = max(map(len, places))
    lines = [f"  {name:<{width}}  {place}" for name, place in places.items()]
    print("\n".join(["", *lines, "", "  Ctrl-C stops all of it.", ""]), flush=True)

"""What a service gives away: secrets are planted in its settings, and all that it says is searched.

Answers tell no secret, no server's address and nothing of the code. Logs and commands are for
operators: they may say which server does not answer, and where an unexpected error came from, but
no secret either.
"""

import asyncio
import json
import multiprocessing
import re
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx2
import pytest

from devstack.process import HOST, free_port
from devstack.s3 import SECRET_ACCESS_KEY
from devstack.stack import Stack
from tests.environment import environment_of
from tests.live import LiveService
from tests.live_program import run_command

EXAMPLES = "/api/v1/examples"
DATABASE_PASSWORD = "planted:in@the/database"
NATS_PASSWORD = "planted-in-nats"
NATS_URL_PASSWORD = "planted-in-the-address-of-nats"
SECRETS = {
    "SECRET_KEY": "planted-0123456789-0123456789-0123456789",
    "DATABASE_URL": DATABASE_PASSWORD,
    "DATABASE_URL, encoded": quote(DATABASE_PASSWORD, safe=""),
    "NATS_PASSWORD": NATS_PASSWORD,
    "NATS_URL": NATS_URL_PASSWORD,
    "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    "a wrong S3_SECRET_ACCESS_KEY": "planted-wrong-key-of-s3",
    "a short SECRET_KEY": "planted-short",
    "a token": "planted.token.of-a-caller",
    "a cookie": "planted-cookie",
}
CODE = re.compile(r'Traceback|File \\?"|\.py\b|site-packages|sqlalchemy|asyncpg|botocore|nats\.')


@dataclass
class Said:
    """All that the service has said, by where it did."""

    answers: dict[str, str] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)


@pytest.fixture(params=["development", "production"])
def settings_with_secrets(request: pytest.FixtureRequest, live_servers: Stack) -> dict[str, Any]:
    """Return settings with a secret wherever one can stand."""
    database = urlsplit(live_servers.postgres.url(f"planted_{request.param}"))
    nats = urlsplit(live_servers.nats.url)
    user = f"{database.username}:{SECRETS['DATABASE_URL, encoded']}"
    return {
        "APP_ENV": request.param,
        "LOG_LEVEL": "TRACE",
        "DB_ECHO_LOG": True,
        "SECRET_KEY": SECRETS["SECRET_KEY"],
        "DATABASE_URL": database._replace(netloc=f"{user}@{HOST}:{database.port}").geturl(),
        "NATS_URL": [nats._replace(netloc=f"planted:{NATS_URL_PASSWORD}@{nats.netloc}").geturl()],
        "NATS_USER": "planted",
        "NATS_PASSWORD": NATS_PASSWORD,
        "STARTUP_TIMEOUT": 1,
        "DB_CONNECT_TIMEOUT": 1,
        "S3_READ_TIMEOUT": 2,
    }


async def test_nobody_is_told_a_secret_and_callers_nothing_of_servers_and_code(
    live_service: Callable[..., AbstractAsyncContextManager[LiveService]],
    settings_with_secrets: dict[str, Any],
    tmp_path: Path,
) -> None:
    said = Said()
    async with live_service(**settings_with_secrets) as service:
        operator = Operator(service, tmp_path, said)
        token = await operator.told("token", "anybody")
        secrets = {**SECRETS, "an access token": token.split()[-1]}
        async with Caller(service.url, secrets["an access token"], said) as caller:
            await caller.asks_for_everything("all is well")
            await operator.says_everything("all is well")
            await break_the_table(service)
            await caller.asks(500, "the table is gone", "GET", EXAMPLES)
            for server in service.servers.servers:
                await server.kill()
            await caller.asks_for_everything("all servers are gone", works=False)
        await operator.says_everything("all servers are gone")
        for program in (service.api, service.background["worker"]):
            await program.kill()
            said.operators[f"the log {program.log}"] = program.log.read_text()
        ports = {
            str(urlsplit(address).port)
            for address in (service.settings.database_url, *service.settings.nats_servers)
        } | {str(urlsplit(service.settings.S3_ENDPOINT or "").port)}

    assert len(said.answers) >= 40
    assert len(said.operators) >= 15
    assert "the table is gone" in " ".join(said.answers)
    for place, text in {**said.answers, **said.operators}.items():
        for name, secret in secrets.items():
            assert secret not in text, f"{place} tells {name}: {around(text, secret)}"
    for place, text in said.answers.items():
        for address in (HOST, *ports):
            found = re.search(rf"(?<![\w-]){re.escape(address)}(?![\w-])", text)
            assert found is None, f"{place} tells the address {address}: {text}"
        code = CODE.search(text)
        assert code is None, f"{place} tells of the code: {around(text, code[0])}"


def around(text: str, found: str) -> str:
    """Return what stands about `found`."""
    at = text.index(found)
    return text[max(0, at - 200) : at + len(found) + 50]


async def break_the_table(service: LiveService) -> None:
    """Have the service meet an error that nobody expects."""
    name = urlsplit(service.settings.database_url).path.removeprefix("/")
    connection = await asyncpg.connect(service.servers.postgres.url(name))
    try:
        await connection.execute("ALTER TABLE examples RENAME TO gone")
    finally:
        await connection.close()


class Operator:
    """Runs the service's commands and keeps what they say."""

    def __init__(self, service: LiveService, folder: Path, said: Said) -> None:
        self._environment = environment_of(service.settings)
        self._folder = folder
        self._said = said

    async def says_everything(self, when: str) -> None:
        """Run the commands that say something of the settings or of the servers."""
        wrong = {"S3_SECRET_ACCESS_KEY": SECRETS["a wrong S3_SECRET_ACCESS_KEY"]}
        short = {"APP_ENV": "production", "SECRET_KEY": SECRETS["a short SECRET_KEY"]}
        commands: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
            ("", ("settings",), {}),
            ("", ("check",), {}),
            ("", ("openapi",), {}),
            ("", ("streams",), {}),
            ("", ("bucket",), {}),
            ("", ("migrate",), {}),
            (" with a wrong key", ("check",), wrong),
            (" with a wrong key", ("bucket",), wrong),
            (" with a short key", ("settings",), short),
        ]
        if when != "all is well":
            commands.append(("", ("serve", "--port", str(free_port())), {}))

        async def say(name: str, arguments: tuple[str, ...], others: dict[str, str]) -> None:
            text = await self.told(*arguments, **others)
            assert text.strip(), arguments
            self._said.operators[f"`{' '.join(arguments)}`{name}, while {when}"] = text

        await asyncio.gather(*(say(*command) for command in commands))

    async def told(self, *arguments: str, **others: str) -> str:
        """Return what a command says."""
        log = Path(tempfile.mkdtemp(dir=self._folder), "log")
        process = multiprocessing.get_context("forkserver").Process(
            target=run_command,
            args=(arguments, {**self._environment, **others}, log),
        )
        process.start()
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode is not None, arguments
        return await asyncio.to_thread(log.read_text)


class Caller:
    """Asks the API, and keeps its answers."""

    def __init__(self, url: str, token: str, said: Said) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=60)
        self._token = token
        self._said = said

    async def __aenter__(self) -> "Caller":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *ended: Any) -> None:
        await self._client.__aexit__(*ended)

    async def asks(self, status: int, when: str, method: str, path: str, **sent: Any) -> Any:
        """Send a request, and keep the answer with its headers."""
        headers = {"Authorization": f"Bearer {self._token}", **sent.pop("headers", {})}
        answer = await self._client.request(method, path, headers=headers, **sent)
        place = f"the answer to {method} {path} {sent}, while {when}"
        assert answer.status_code == status, f"{place}: {answer.text}"
        self._said.answers[place] = f"{json.dumps(dict(answer.headers))}\n{answer.text}"
        return answer.json() if "json" in answer.headers.get("content-type", "") else None

    async def asks_for_everything(self, when: str, *, works: bool = True) -> None:
        """Ask for what there is, and for what there is not."""
        down = None if works else 503

        async def ask(status: int, method: str, path: str, **sent: Any) -> Any:
            return await self.asks(status, when, method, path, **sent)

        for path in ("/health/live", "/docs", "/redoc", "/docs/start.js"):
            await ask(200, "GET", path)
        await ask(200, "GET", "/openapi.json")
        await ask(down or 200, "GET", "/health/ready")
        body = {"name": f"While {when}"}
        made = await ask(down or 201, "POST", EXAMPLES, json=body)
        example = f"{EXAMPLES}/{made['data']['id'] if works else '0' * 32}"
        await ask(down or 409, "POST", EXAMPLES, json=body)
        await ask(down or 200, "GET", EXAMPLES)
        await ask(down or 200, "GET", f"{example}/activity")
        await ask(down or 202, "POST", f"{example}/report")
        file = ("file.txt", b"text", "text/plain")
        await ask(down or 201, "POST", f"{example}/attachments", files={"file": file})
        await ask(down or 200, "GET", f"{example}/attachments")
        await ask(down or 404, "GET", f"{EXAMPLES}/{'0' * 32}")
        await ask(404, "GET", "/nowhere")
        await ask(405, "PUT", "/health/live")
        await ask(
            400, "POST", EXAMPLES, content=b"\xff", headers={"Content-Type": "application/json"}
        )
        await ask(413, "POST", EXAMPLES, content=bytes(2_000_000))
        await ask(422, "POST", EXAMPLES, json={"name": 1, "token": SECRETS["a token"]})
        await ask(422, "GET", EXAMPLES, params={"cursor": "a"})
        bad = {"Authorization": f"Bearer {SECRETS['a token']}", "Cookie": SECRETS["a cookie"]}
        await ask(401, "POST", EXAMPLES, json={}, headers=bad)

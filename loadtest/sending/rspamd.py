"""Rspamd as a milter for Postfix, with its Redis: Debian's defaults, and one RSA signature for each mail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loadtest.content.senders import SELECTOR
from loadtest.content.signing_key import signing_key
from loadtest.sending.programs import find, free_port, listens, spawn, stop

_ACCOUNT = "_rspamd"
_START = 300.0
"""Seconds until both serve; Rspamd compiles the list of top-level domains first, when it has never run."""
_COMPILED = 180.0
"""Seconds for the compilation of its patterns at the first start."""
_QUIET_LOOKS = 4
_LOOK = 1.0
_SIGNING = """
sign_local = true;
sign_authenticated = true;
use_esld = false;
sign_networks = ["127.0.0.0/8"];
domain {{ {domain} {{ path = "{key}"; selector = "{selector}"; }} }}
"""
_PROXY = """
bind_socket = "{folder}/run/milter.sock mode=0666";
upstream "local" {{ default = yes; hosts = "127.0.0.1:{scanner}"; }}
"""


@dataclass(frozen=True, slots=True)
class _Ports:
    redis: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    scanner: int = field(default_factory=free_port)


@dataclass(frozen=True, slots=True)
class Rspamd:
    """The socket of the milter, and the processes."""

    socket: Path
    pids: dict[int, str]


def reason_missing() -> str | None:
    """The reason why Rspamd cannot be started; None when it can."""
    absent = [name for name in ("rspamd", "redis-server") if find(name) is None]
    return f"no {' and no '.join(absent)} (apt install {' '.join(absent)})" if absent else None


@contextlib.asynccontextmanager
async def rspamd(domain: str, resolver: str) -> AsyncIterator[Rspamd]:
    """Rspamd that signs the mail of `domain`; `resolver` is `host:port` of its name server.

    Returns when its patterns are compiled. Raises RuntimeError, OSError, TimeoutError.
    """
    folder = Path(tempfile.mkdtemp(prefix="mailfold-load-rspamd-"))
    ports = _Ports()
    _configure(folder, domain, resolver, ports)
    try:
        async with contextlib.AsyncExitStack() as stack:
            redis = await spawn(_redis(folder, ports.redis), folder / "redis.log")
            stack.push_async_callback(stop, redis)
            await listens(redis, "Redis", "127.0.0.1", ports.redis, _START, folder / "redis.log")
            filtering = await spawn(_command(folder), folder / "rspamd.out")
            stack.push_async_callback(stop, filtering)
            await listens(filtering, "Rspamd", "127.0.0.1", ports.controller, _START, folder / "rspamd.out")
            await _compiled(folder / "db")
            yield Rspamd(folder / "run" / "milter.sock", {filtering.pid: "rspamd", redis.pid: "redis"})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _redis(folder: Path, port: int) -> list[str]:
    return [find("redis-server") or "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]


def _command(folder: Path) -> list[str]:
    places = {"LOCAL_CONFDIR": folder, "DBDIR": folder / "db", "RUNDIR": folder / "run", "LOGDIR": folder / "log"}
    variables = [word for name, path in places.items() for word in ("--var", f"{name}={path}")]
    identity = ["-u", _ACCOUNT, "-g", _ACCOUNT] if os.geteuid() == 0 else []
    return [find("rspamd") or "rspamd", "-f", *identity, "-c", "/etc/rspamd/rspamd.conf", *variables]


def _configure(folder: Path, domain: str, resolver: str, ports: _Ports) -> None:
    for name in ("local.d", "override.d", "maps.d", "db", "run", "log"):
        (folder / name).mkdir()
    key = folder / "key.pem"
    key.write_bytes(signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    texts = {
        "redis.conf": f'servers = "127.0.0.1:{ports.redis}";',
        "options.inc": f'dns {{ nameserver = ["{resolver}"]; timeout = 1s; retransmits = 1; }}',
        "worker-controller.inc": f'bind_socket = "127.0.0.1:{ports.controller}";\nsecure_ip = "127.0.0.1";',
        "worker-normal.inc": f'bind_socket = "127.0.0.1:{ports.scanner}";',
        "worker-proxy.inc": _PROXY.format(folder=folder, scanner=ports.scanner),
        "logging.inc": f'type = "file"; filename = "{folder}/log/rspamd.log";',
        "dkim_signing.conf": _SIGNING.format(domain=domain, key=key, selector=SELECTOR),
    }
    for name, text in texts.items():
        (folder / "local.d" / name).write_text(f"{text}\n")
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, _ACCOUNT, _ACCOUNT)
    folder.chmod(0o755)


def _files(database: Path) -> int:
    return len(list(database.glob("*.hs*")))


async def _compiled(database: Path) -> None:
    """Wait until no more compiled patterns appear. Raises TimeoutError."""
    end, before, unchanged = time.monotonic() + _COMPILED, 0, 0
    while unchanged < _QUIET_LOOKS:
        if time.monotonic() > end:
            raise TimeoutError(f"Rspamd still compiles its patterns after {_COMPILED:g} s")
        await asyncio.sleep(_LOOK)
        count = _files(database)
        unchanged = unchanged + 1 if count and count == before else 0
        before = count

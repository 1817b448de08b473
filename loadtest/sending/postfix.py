"""Postfix as a peer: it takes mail from this machine and relays it to the sink, with Debian's defaults."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from loadtest.measure.bench import Meters
from loadtest.meter.fsyncs import method
from loadtest.meter.server_processes import ServerProcesses
from loadtest.sending.programs import find, free_port, listens, spawn, stop
from loadtest.sending.server import MeasuredServer
from loadtest.target import Target

NAME = "Postfix"
_START = 30.0
_DAEMONS = ("/usr/lib/postfix/sbin", "/usr/libexec/postfix")
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = none
relayhost = {relay}
alias_maps =
alias_database =
maillog_file = /dev/stdout
{milter}
"""
_MILTER = """
smtpd_milters = unix:{socket}
milter_default_action = tempfail
"""
_SERVICES = """
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def reason_missing() -> str | None:
    """The reason why no Postfix can be started; None when it can."""
    if find("postfix") is None:
        return "no Postfix (apt install postfix)"
    return None if os.geteuid() == 0 else "Postfix can only be started by root"


@contextlib.asynccontextmanager
async def postfix(domain: str, relay: str, milter: Path | None = None) -> AsyncIterator[MeasuredServer]:
    """A Postfix that relays to `relay` (`[host]:port`), through a milter if given. Raises RuntimeError, OSError."""
    folder = Path(tempfile.mkdtemp(prefix="mailfold-load-postfix-"))
    port = free_port()
    _configure(folder, domain, relay, port, milter)
    etc, log = folder / "etc", folder / "log"
    environment = {**os.environ, "MAIL_CONFIG": str(etc)}
    process = await spawn([find("postfix") or "postfix", "-c", str(etc), "start-fg"], log, environment)
    try:
        await listens(process, NAME, "127.0.0.1", port, _START, log)
        meters = Meters(ServerProcesses({process.pid: "postfix"}, process.pid), method())
        yield MeasuredServer(NAME, Target(smtp_port=port, domain=domain, users=1), meters)
    finally:
        _end_master(folder)
        await stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _end_master(folder: Path) -> None:
    """Ask the master to end: it is a child of the script that was started, and would outlive it."""
    file = folder / "spool" / "pid" / "master.pid"
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(file.read_text()), signal.SIGTERM)


def _configure(folder: Path, domain: str, relay: str, port: int, milter: Path | None) -> None:
    folder.chmod(0o755)
    for name in ("etc", "spool", "data"):
        (folder / name).mkdir()
    owner = pwd.getpwnam("postfix")
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    values = {
        "folder": folder,
        "daemons": next(path for path in _DAEMONS if Path(path).is_dir()),
        "domain": domain,
        "relay": relay,
        "milter": _MILTER.format(socket=milter) if milter else "",
    }
    (folder / "etc" / "main.cf").write_text(_MAIN.format_map(values))
    (folder / "etc" / "master.cf").write_text(_SERVICES.format(port=port))

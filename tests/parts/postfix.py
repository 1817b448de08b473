"""A real Postfix as another mail server: it takes mail for one domain into a Maildir, with TLS."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
from pathlib import Path
from types import TracebackType

from tests.parts.certificate import self_signed
from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port

_START_SECONDS = 30.0
MAILBOXES = ("dora", "emil")
"""The localparts that it takes mail for."""
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
mynetworks =
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_tls_security_level = may
maillog_file = /dev/stdout
"""
_MASTER = """
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""
_DAEMONS = ("/usr/lib/postfix/sbin", "/usr/libexec/postfix")


def reason_missing() -> str | None:
    """The reason why no Postfix can be run; None when it can."""
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        return "no Postfix (make parts, or apt install postfix)"
    return None if os.geteuid() == 0 else "Postfix can only be started by root"


class PostfixServer:
    """`with PostfixServer("elsewhere.example") as postfix: … postfix.messages("ann")`."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.port = free_port()
        self._folder = Folder("postfix")
        self._child: Child | None = None

    @property
    def folder(self) -> Path:
        """Where its configuration, queue and mail are."""
        return self._folder.path

    def messages(self, localpart: str) -> list[bytes]:
        """The messages that it delivered to an address of its domain, as stored."""
        return [file.read_bytes() for file in sorted((self.folder / "mail" / localpart / "new").glob("*"))]

    def log(self) -> str:
        """What it logged."""
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> PostfixServer:
        self.folder.chmod(0o755)
        for name in ("etc", "spool", "data", "mail"):
            (self.folder / name).mkdir()
        owner, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)
        self._write_configuration(nobody)
        environment = {**os.environ, "MAIL_CONFIG": str(self.folder / "etc")}
        argv = ["/usr/sbin/postfix", "-c", str(self.folder / "etc"), "start-fg"]
        self._child = Child(argv, self.folder / "log", env=environment, cwd=self.folder)
        self._child.wait_until(lambda: accepts(self.port), _START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._end_master()
            self._child.stop()
        self._folder.close(keep=kind is not None)

    def _end_master(self) -> None:
        """Ask the master to end: it is a child of the script that was started, and would outlive it."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "spool" / "pid" / "master.pid").read_text()), signal.SIGTERM)

    def _write_configuration(self, nobody: pwd.struct_passwd) -> None:
        values = {
            "folder": self.folder,
            "daemons": next(path for path in _DAEMONS if Path(path).is_dir()),
            "domain": self.domain,
            "uid": nobody.pw_uid,
            "gid": nobody.pw_gid,
            "certificate": self_signed(self.folder, f"mx.{self.domain}"),
            "port": self.port,
        }
        etc = self.folder / "etc"
        (etc / "main.cf").write_text(_MAIN.format_map(values))
        (etc / "master.cf").write_text(_MASTER.format_map(values))
        (etc / "mailboxes").write_text("".join(f"{name}@{self.domain} {name}/\n" for name in MAILBOXES))

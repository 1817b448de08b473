"""Dovecot as a peer: sdbox mailboxes, TLS, a password that is compared without a hash, and else Debian's defaults."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from loadtest.sending.programs import find, free_port, listens, spawn, stop
from shared.tls.issue import authority_certificate

NAME = "Dovecot"
USER, PASSWORD = "ann", "load-test"
_START = 30.0
_CONFIGURATION = """\
protocols = imap pop3
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = sdbox:{folder}/mail
mailbox_list_index = yes
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service imap {{
  process_limit = 100
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3_port}
  }}
}}
"""


class RunningDovecot(NamedTuple):
    """Its ports for IMAP and POP3, and its folder, which has its configuration."""

    port: int
    pop3_port: int
    folder: Path


def reason_missing() -> str | None:
    """The reason why no Dovecot can be started; None when it can."""
    services = all(Path(f"/usr/lib/dovecot/{name}").exists() for name in ("imap", "pop3"))
    is_there = find("dovecot") and services and find("setpriv")
    return None if is_there else "no Dovecot (apt install dovecot-imapd dovecot-pop3d)"


@contextlib.asynccontextmanager
async def dovecot(more: str = "") -> AsyncIterator[RunningDovecot]:
    """A running Dovecot; any name with PASSWORD is a user. `more` is added to its configuration.

    Raises RuntimeError, OSError.
    """
    folder = Path(tempfile.mkdtemp(prefix="mailfold-load-dovecot-"))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    port, pop3_port = free_port(), free_port()
    _write(folder, account, port, pop3_port, more)
    argv = unprivileged([find("dovecot") or "dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    process = await spawn(argv, folder / "output")
    try:
        await listens(process, NAME, "127.0.0.1", port, _START, folder / "log")
        yield RunningDovecot(port, pop3_port, folder)
    finally:
        await stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged(argv: list[str]) -> list[str]:
    """A command as the user that Dovecot runs as."""
    if os.geteuid() != 0:
        return argv
    account = pwd.getpwnam("nobody")
    setpriv = find("setpriv") or "setpriv"
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *argv]


def _write(folder: Path, account: pwd.struct_passwd, port: int, pop3_port: int, more: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority_certificate(key, "localhost", datetime.now(UTC))
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(encoded)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    values = {
        "folder": folder,
        "user": account.pw_name,
        "group": grp.getgrgid(account.pw_gid).gr_name,
        "uid": account.pw_uid,
        "gid": account.pw_gid,
        "password": PASSWORD,
        "port": port,
        "pop3_port": pop3_port,
    }
    (folder / "dovecot.conf").write_text(_CONFIGURATION.format_map(values) + more)
    for path in (folder, *folder.iterdir()):
        if os.geteuid() == 0:
            os.chown(path, account.pw_uid, account.pw_gid)

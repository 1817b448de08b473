"""Dovecot as an IMAP server without privileges: a user with a mailbox format of choice, over a plain connection."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
from pathlib import Path
from types import TracebackType
from typing import Literal

from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port

USER, PASSWORD = "ann", "dovecot-secret"
_PROGRAM, _IMAP = "/usr/sbin/dovecot", "/usr/lib/dovecot/imap"
_CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = {location}:{folder}/mail
mail_fsync = never
mailbox_list_index = yes
mail_max_userip_connections = 100
imap_id_retain = no
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
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  process_limit = 100
}}
{further}
"""
Format = Literal["sdbox", "maildir"]


class Dovecot:
    """`with Dovecot() as dovecot: imaplib.IMAP4("127.0.0.1", dovecot.port).login(USER, PASSWORD)`.

    `further` is more configuration. Any name with the password is a user; all of them share one mailbox.
    """

    def __init__(self, location: Format = "sdbox", further: str = "") -> None:
        self._folder = Folder("dovecot")
        self._location = location
        self._further = further
        self.port = free_port()
        self._child: Child | None = None

    @staticmethod
    def reason_missing() -> str | None:
        """None when the programs are installed."""
        is_there = shutil.which(_PROGRAM) and Path(_IMAP).exists() and shutil.which("setpriv")
        return None if is_there else "no Dovecot (make parts, or apt install dovecot-imapd)"

    @property
    def pid(self) -> int:
        """The process id of the master, whose children serve the connections."""
        assert self._child is not None
        return self._child.pid

    def __enter__(self) -> Dovecot:
        folder = self._folder.path
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        configuration = folder / "dovecot.conf"
        text = _CONFIGURATION.format(
            folder=folder,
            user=account.pw_name,
            group=grp.getgrgid(account.pw_gid).gr_name,
            uid=account.pw_uid,
            gid=account.pw_gid,
            location=self._location,
            password=PASSWORD,
            port=self.port,
            further=self._further,
        )
        configuration.write_text(text, "utf-8")
        if os.geteuid() == 0:
            os.chown(folder, account.pw_uid, account.pw_gid)
        argv = [*_as(account), _PROGRAM, "-F", "-c", str(configuration)]
        self._child = Child(argv, folder / "dovecot.log")
        try:
            self._child.wait_until(lambda: accepts(self.port))
        except BaseException:
            self._stop(keep=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(keep=error is not None)

    def connect(self) -> imaplib.IMAP4:
        """A connection of the user, logged in."""
        connection = imaplib.IMAP4("127.0.0.1", self.port)
        connection.login(USER, PASSWORD)
        return connection

    def _stop(self, *, keep: bool) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._folder.close(keep=keep)


def _as(account: pwd.struct_passwd) -> tuple[str, ...]:
    """The command prefix with which root becomes the user; nothing for others."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")

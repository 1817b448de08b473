"""Mail clients and tools, each by the command that runs it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """A command and the Debian package it comes in."""

    command: str
    package: str

    def path(self) -> str | None:
        """Where it is."""
        return shutil.which(self.command) or shutil.which(self.command, path="/usr/sbin:/usr/local/bin")

    def reason_missing(self) -> str | None:
        """None when it is installed."""
        return None if self.path() else f"no {self.command} (make parts, or apt install {self.package})"


SWAKS = Client("swaks", "swaks")
CURL = Client("curl", "curl")
MBSYNC = Client("mbsync", "isync")
NEOMUTT = Client("neomutt", "neomutt")
OPENSSL = Client("openssl", "openssl")
SIEVE_CONNECT = Client("sieve-connect", "sieve-connect")
INTERIMAP = Client("interimap", "interimap")
OFFLINEIMAP = Client("offlineimap", "offlineimap3")
FETCHMAIL = Client("fetchmail", "fetchmail")
GETMAIL = Client("getmail", "getmail6")
MPOP = Client("mpop", "mpop")
GSASL = Client("gsasl", "gsasl")
STRACE = Client("strace", "strace")
SYSTEMD_ANALYZE = Client("systemd-analyze", "systemd")
_READERS = (MBSYNC, NEOMUTT, INTERIMAP, OFFLINEIMAP, FETCHMAIL, GETMAIL, MPOP)
ALL = (SWAKS, CURL, GSASL, OPENSSL, SIEVE_CONNECT, *_READERS, STRACE, SYSTEMD_ANALYZE)

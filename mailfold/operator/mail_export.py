"""Writes messages to mbox files, a Maildir or a tar file of .eml files.

All is written beside the destination, with a name that ends in `.partial`, and renamed when it is complete. Files and
folders are for their owner alone. Names of mailboxes come from users, so they never become paths as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from mailfold.operator.archived_mail import StoredMail
from mailfold.operator.failure import UNUSABLE, CommandFailed

_FROM = re.compile(rb"^(>*From )", re.M)
_RETURN_PATH = re.compile(rb"^Return-Path:\s*<([^>\s]*)>", re.M | re.I)
_MAILDIR_FLAGS = (("\\Draft", "D"), ("\\Flagged", "F"), ("\\Answered", "R"), ("\\Seen", "S"), ("\\Deleted", "T"))
_STATUS_FLAGS = (("\\Answered", "A"), ("\\Flagged", "F"), ("\\Draft", "T"), ("\\Deleted", "D"))
_LONGEST_NAME = 150


class Exporter(Protocol):
    """A format."""

    def add(self, mail: StoredMail, octets: bytes) -> None:
        """Write one message."""

    def close(self) -> None:
        """Write what is left."""


class Destination:
    """The file or folder of an export, which is complete or not there."""

    def __init__(self, path: Path) -> None:
        """Raises CommandFailed when there is something already."""
        self._path = path
        self.partial = path.with_name(f"{path.name}.partial")
        if path.exists():
            raise CommandFailed(f"{path} is there already; give another name", UNUSABLE)
        if self.partial.is_dir():
            shutil.rmtree(self.partial)

    def complete(self) -> None:
        """Give the export its name."""
        self.partial.rename(self._path)


def exporter(kind: str, path: Path) -> Exporter:
    """The exporter of a format: `mbox`, `maildir` or `eml`."""
    os.umask(0o077)
    kinds: dict[str, Callable[[Path], Exporter]] = {
        "mbox": MboxExporter,
        "maildir": MaildirExporter,
        "eml": EmlExporter,
    }
    return kinds[kind](path)


class MboxExporter:
    """One mbox file for each mailbox, in a folder. Lines that begin like a separator get a `>` (mboxrd)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True)

    def add(self, mail: StoredMail, octets: bytes) -> None:
        sender = _RETURN_PATH.search(octets)
        date = time.strftime("%a %b %d %H:%M:%S %Y", mail.date.utctimetuple())
        head = f"From {(sender and sender[1].decode('utf-8', 'replace')) or 'MAILER-DAEMON'} {date}\n".encode()
        status = f"Status: {'RO' if chr(92) + 'Seen' in mail.flags else 'O'}\n"
        marks = "".join(mark for flag, mark in _STATUS_FLAGS if flag in mail.flags)
        status += f"X-Status: {marks}\n" if marks else ""
        text = _FROM.sub(rb">\1", octets.replace(b"\r\n", b"\n"))
        with (self._path / f"{safe_name(mail.mailbox)}.mbox").open("ab") as file:
            file.write(head + status.encode() + text + (b"\n" if text.endswith(b"\n") else b"\n\n"))

    def close(self) -> None:
        return


class MaildirExporter:
    """A Maildir with INBOX at its top and the other mailboxes as `.Name`, as most servers read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: set[Path] = set()
        self._folder("INBOX")

    def add(self, mail: StoredMail, octets: bytes) -> None:
        marks = "".join(mark for flag, mark in _MAILDIR_FLAGS if flag in mail.flags)
        seconds = int(mail.date.timestamp())
        file = self._folder(mail.mailbox) / "cur" / f"{seconds}.U{mail.uid}.mailfold:2,{marks}"
        file.write_bytes(octets.replace(b"\r\n", b"\n"))
        os.utime(file, (seconds, seconds))

    def close(self) -> None:
        return

    def _folder(self, mailbox: str) -> Path:
        parts = [safe_name(part).replace(".", "%2E") for part in mailbox.split("/")]
        folder = self._path if mailbox == "INBOX" else self._path / f".{'.'.join(parts)[: _LONGEST_NAME + 50]}"
        if folder not in self._made:
            for name in ("cur", "new", "tmp"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        return folder


class EmlExporter:
    """A tar file with one .eml file for each message, octet for octet, and `index.jsonl` with flags and dates."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._tar = tarfile.open(path, "w")  # noqa: SIM115 -- closed by `close`
        self._index = BytesIO()

    def add(self, mail: StoredMail, octets: bytes) -> None:
        import orjson

        name = f"{safe_name(mail.mailbox)}/{mail.uid:010}.eml"
        self._write(name, octets, int(mail.date.timestamp()))
        values = {"file": name, "mailbox": mail.mailbox, "uid": mail.uid, "flags": mail.flags, "date": mail.date}
        self._index.write(orjson.dumps(values) + b"\n")

    def close(self) -> None:
        self._write("index.jsonl", self._index.getvalue(), int(time.time()))
        self._tar.close()

    def _write(self, name: str, octets: bytes, at: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(octets), at, 0o600
        self._tar.addfile(entry, BytesIO(octets))


def safe_name(mailbox: str) -> str:
    """A file name for the name of a mailbox: without separators, control characters and a dot at its begin."""
    kept = "".join(
        character if character.isalnum() or character in " -_.@+()" else quote(character, safe="")
        for character in mailbox
    )
    text = f"%2E{kept[1:]}" if kept.startswith(".") else kept
    octets = text.encode("utf-8", "replace")
    if len(octets) <= _LONGEST_NAME:
        return text
    from hashlib import blake2b

    return octets[:_LONGEST_NAME].decode("utf-8", "ignore") + "-" + blake2b(octets, digest_size=6).hexdigest()

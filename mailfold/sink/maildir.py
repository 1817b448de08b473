"""The Maildir of the sink. No part of a file's name comes from a client."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from email.parser import BytesHeaderParser
from email.policy import default
from itertools import count, takewhile
from pathlib import Path
from time import time_ns
from typing import Any

import msgspec

_FOLDERS = ("tmp", "new", "cur")
_NAME = re.compile(r"[0-9]{10}\.M[0-9]{6}P[0-9]+Q[0-9]+\.sink")
_HEADER_OCTETS = 256 * 1024
"""The part of a mail that is read for a list."""
_FIELD = 1000
SENDER, RECIPIENT = "X-Sink-Sender", "X-Sink-Recipient"
"""The fields in front of a mail that hold its envelope."""


class KeptMail(msgspec.Struct, frozen=True):
    """A mail in the Maildir."""

    name: str
    at: int
    """When it was kept, in UTC microseconds."""
    size: int
    sender: str
    recipients: Sequence[str]
    subject: str
    message_id: str


class SinkMaildir:
    """Keeps mails, lists them and reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    def make(self) -> None:
        """Create the folders, readable only by their owner. Raises OSError."""
        for folder in (self.folder, *(self.folder / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, pieces: Sequence[bytes]) -> str:
        """Store a mail; it is durable when the name is returned. Raises OSError, after which nothing is left of it."""
        microseconds = time_ns() // 1000
        seconds, rest = divmod(microseconds, 1_000_000)
        name = f"{seconds:010}.M{rest:06}P{os.getpid()}Q{next(self._numbers)}.sink"
        temporary = self.folder / "tmp" / name
        try:
            _write(temporary, pieces)
            temporary.rename(self.folder / "new" / name)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync(self.folder / "new")
        return name

    def newest(self, limit: int) -> list[KeptMail]:
        """The newest mails, oldest first. Raises OSError."""
        names = sorted(self._names())[-limit:]
        return [mail for name in names if (mail := self._described(name)) is not None]

    def count(self) -> int:
        """The number of mails. Raises OSError."""
        return sum(1 for _ in self._names())

    def read(self, name: str) -> bytes:
        """The octets of a mail. Raises FileNotFoundError when there is none of this name."""
        for folder in ("new", "cur"):
            if _NAME.fullmatch(name) and (file := self.folder / folder / name).is_file():
                return file.read_bytes()
        raise FileNotFoundError(name)

    def _names(self) -> Iterator[str]:
        for folder in ("new", "cur"):
            if (self.folder / folder).is_dir():
                yield from (file.name for file in (self.folder / folder).iterdir() if _NAME.fullmatch(file.name))

    def _described(self, name: str) -> KeptMail | None:
        """A mail by its name; None when it was removed meanwhile."""
        for folder in ("new", "cur"):
            with contextlib.suppress(FileNotFoundError), (self.folder / folder / name).open("rb") as file:
                return _description(name, file.read(_HEADER_OCTETS), os.fstat(file.fileno()).st_size)
        return None


def _description(name: str, beginning: bytes, size: int) -> KeptMail:
    # Cut at the end of the header, because the parser must not work on the octets of the body.
    header = beginning.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    values = [
        (field.lower(), _unfolded(value))
        for field, value in BytesHeaderParser(policy=default).parsebytes(header).raw_items()
    ]
    # The envelope is in front; fields of these names further down were written by the client.
    envelope = list(takewhile(lambda pair: pair[0] in (SENDER.lower(), RECIPIENT.lower()), values))
    fields = dict(reversed(values[len(envelope) :]))
    return KeptMail(
        name,
        _moment(name),
        size,
        dict(envelope).get(SENDER.lower(), ""),
        [value for field, value in envelope if field == RECIPIENT.lower()],
        _decoded(fields.get("subject", "")),
        fields.get("message-id", "").strip(),
    )


def _moment(name: str) -> int:
    """The UTC microseconds in a name."""
    seconds, rest = name.split(".")[:2]
    return int(seconds) * 1_000_000 + int(rest[1:7])


def _unfolded(value: Any) -> str:
    text = str(value)[:_FIELD].replace("\r\n", "").strip()
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decoded(value: str) -> str:
    """The text of a field, without encoded words (RFC 2047); as it is when they are malformed."""
    from email.errors import HeaderParseError, MessageError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, MessageError, LookupError, ValueError):
        return value


def _write(file: Path, pieces: Sequence[bytes]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        for piece in pieces:
            opened.write(piece)
        opened.flush()
        os.fsync(opened.fileno())


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Loads messages of mailboxes as what a Sieve script runs over: body, scan and prefix, flags, and the circumstances.

These messages were stored before, so there is no envelope: `envelope` is a run-time error (RFC 6785 §4.6). The sender
that the delivery noted in Return-Path only decides whether `vacation` would answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from services.mailstore.domain.flags import Flags
from services.mailstore.projections.current import FlagColumns, page_now, source
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.mail.message import SieveMessage
from shared.scans import scan_of
from shared.scripts.owner import ScriptOwner
from shared.scripts.running import ScriptInput
from shared.turns import Turns

_COLUMNS = "uid, entry, blob, size, system, keywords, internal_date, modseq, prefix"
_PLACES = FlagColumns(system=4, keywords=5, modseq=7)
_RETURN_PATH = re.compile(rb"^Return-Path: <([^<>\r\n]*)>", re.MULTILINE)
_SPAM_STATUS = re.compile(rb"^X-Spam-Status: (Yes|No),\s+score=(-?[\d.]+)\s+required=(-?[\d.]+)", re.MULTILINE)
_ITEMS = {"location": "MS", "phase": "post", "name": "Mailfold"}
"""RFC 5183 §4.1: the message is in the store, and it has been delivered."""


class StoredMessage(NamedTuple):
    """The row of a message of which a script decides."""

    uid: int
    entry: str
    blob: str
    size: int
    """Octets of prefix and body."""
    system: int
    keywords: str
    internal_date: int
    modseq: int
    prefix: bytes

    @property
    def flags(self) -> Flags:
        """Its flags."""
        return Flags(self.system, self.keywords)


def rows_after(reader: Reader, mailbox: str, after: int, most: int, last: int = 1 << 40) -> list[StoredMessage]:
    """At most `most` messages of a mailbox with UIDs above `after`, up to `last`, ascending."""
    sql = f"SELECT {_COLUMNS} FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ? ORDER BY uid LIMIT ?"  # noqa: S608
    rows = reader.all(sql, (mailbox, after, last, most))
    return [_row(row) for row in page_now(reader, mailbox, rows, _PLACES)]


def row_of(reader: Reader, mailbox: str, uid: int) -> StoredMessage | None:
    """A message, or None when it is gone."""
    rows = f"SELECT {_COLUMNS} FROM {source(reader, mailbox)}"  # noqa: S608
    row = reader.first_row(f"{rows} WHERE mailbox = ? AND uid = ?", (mailbox, uid))
    return _row(row) if row else None


class ScriptMessages:
    """Reads what a script runs over."""

    def __init__(self, blobs: Blobs, turns: Turns) -> None:
        self._blobs = blobs
        self._turns = turns

    async def input_of(
        self, message: StoredMessage, owner: ScriptOwner, now: int, items: Mapping[str, str] | None = None
    ) -> ScriptInput:
        """What a script runs over. `now` is in UTC microseconds; `items` are further ones of the environment.

        The internal variable of imap4flags begins with the flags of the message. Raises BlobError.
        """
        await self._turns.spend(rows=1, files=1)
        blob = await self._blobs.read(BlobId(message.blob))
        scan = await scan_of(self._blobs, blob)
        prefix = bytes(message.prefix)
        environment = SieveEnvironment(
            datetime.fromtimestamp(now / 1_000_000, UTC),
            owner.zone,
            owner.addresses,
            {**_ITEMS, **(items or {})},
            _spam_percent(prefix),
            separators=owner.separators,
            has_envelope=False,
            flags=message.flags.names(),
        )
        return ScriptInput(SieveMessage(blob, scan, prefix), SieveEnvelope(_returned_to(prefix)), environment)


def _row(row: Sequence[object]) -> StoredMessage:
    return StoredMessage(*row)  # type: ignore[arg-type]


def _returned_to(prefix: bytes) -> str:
    """The reverse-path with which the message was delivered; empty for the null one, and where none was noted."""
    noted = _RETURN_PATH.search(prefix)
    return noted[1].decode("utf-8", "replace") if noted else ""


def _spam_percent(prefix: bytes) -> int | None:
    """The score that the delivery noted, as a part of the score from which mail is spam (RFC 5235 §2.1), 0 to 100."""
    noted = _SPAM_STATUS.search(prefix)
    if noted is None:
        return None
    score, required = float(noted[2]), float(noted[3])
    if noted[1] == b"Yes":
        return 100
    return max(0, min(99, int(100 * score / required))) if required > 0 else 0

"""What the text index reads of accounts, from rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.eventstore.connection import Reader
from shared.protocol.imap.ranges import Ranges, ranges

_ACCOUNTS = "SELECT account FROM account WHERE account > ? ORDER BY account LIMIT ?"
_VERSION = "SELECT version FROM stream WHERE stream = ?"
_HAS_ACCOUNT = "SELECT 1 FROM account WHERE account = ?"
_CHANGED = "SELECT id, uid_next FROM mailbox WHERE account = ? AND modseq > ?"
_OWNER = "SELECT 1 FROM mailbox WHERE id = ? AND account = ?"
_ENTRIES = "SELECT uid, blob, prefix FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?"
_UIDS = "SELECT uid FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?"
_NEXT = "SELECT uid_next FROM mailbox WHERE id = ?"
ENTRIES = 100
"""Messages of a page; each may have a prefix of some ten kilobytes."""
UIDS = 2000


class Reach(NamedTuple):
    """How far the UIDs of a mailbox go."""

    mailbox: str
    uid_next: int


class EntryBlob(NamedTuple):
    """What the texts of a message come from."""

    uid: int
    blob: str
    prefix: bytes


class DocumentPage(NamedTuple):
    """Messages of a mailbox, and the UID up to which there are no others after the one that was asked for."""

    entries: Sequence[EntryBlob]
    upto: int
    is_whole: bool


def accounts_after(reader: Reader, after: str, limit: int) -> list[str]:
    """Accounts in the order of their ids."""
    return [account for (account,) in reader.all(_ACCOUNTS, (after, limit))]


def changed(reader: Reader, account: str, version: int) -> tuple[int, list[Reach]]:
    """The version of an account, and its mailboxes that changed after another version; (0, []) without the account.

    The version is read first: what is committed meanwhile is seen by the next question too.
    """
    if reader.first_row(_HAS_ACCOUNT, (account,)) is None:
        return 0, []
    row = reader.first_row(_VERSION, (account,))
    return row[0] if row else 0, [Reach(*mailbox) for mailbox in reader.all(_CHANGED, (account, version))]


def is_mailbox_of(reader: Reader, account: str, mailbox: str) -> bool:
    """Whether the mailbox exists and belongs to the account."""
    return reader.first_row(_OWNER, (mailbox, account)) is not None


def entries_after(reader: Reader, mailbox: str, after: int) -> DocumentPage:
    """Messages with higher UIDs."""
    # UIDNEXT is read first: a message that comes in between has a UID from there on.
    row = reader.first_row(_NEXT, (mailbox,))
    last = row[0] - 1 if row else after
    rows = [
        EntryBlob(uid, blob, bytes(prefix)) for uid, blob, prefix in reader.all(_ENTRIES, (mailbox, after, ENTRIES))
    ]
    if len(rows) == ENTRIES:
        return DocumentPage(rows, rows[-1].uid, False)
    return DocumentPage(rows, max(last, rows[-1].uid if rows else after, after), True)


def uids_after(reader: Reader, mailbox: str, after: int) -> Ranges:
    """The next UIDS of a mailbox at most."""
    return ranges(uid for (uid,) in reader.all(_UIDS, (mailbox, after, UIDS)))

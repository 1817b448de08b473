"""Loads the state that decisions need."""

from __future__ import annotations

from collections.abc import Iterable

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import Usage
from services.mailstore.domain.state import MailboxState
from shared.events.scripts import SERVER
from shared.eventstore.connection import Reader, Row
from shared.protocol.imap.entry_name import SCRIPT_ENTRY
from shared.protocol.imap.mailbox_name import canonical_name

_MAILBOX = "id, name, uid_validity, uid_next, special_use, messages, unseen, deleted, size, modseq"

_WITH_SCRIPT = (
    f"{_MAILBOX}, CASE WHEN EXISTS (SELECT 1 FROM annotation WHERE owner = mailbox.account"  # noqa: S608
    f" AND annotation.mailbox = mailbox.id AND entry = '{SCRIPT_ENTRY}') OR EXISTS (SELECT 1 FROM annotation"
    f" WHERE owner = '{SERVER}' AND annotation.mailbox = '' AND entry = '{SCRIPT_ENTRY}') THEN 1 ELSE 0 END"
)
"""With `runs_script`: two look-ups in the statement that reads the mailbox anyway."""


def _mailbox(row: Row) -> MailboxState:
    return MailboxState(*row)


def mailbox_by_name(reader: Reader, account: str, name: str) -> MailboxState:
    """The account's mailbox of this name. Raises MailboxRefused NONEXISTENT."""
    sql = f"SELECT {_WITH_SCRIPT} FROM mailbox WHERE account = ? AND name = ?"  # noqa: S608
    row = reader.first_row(sql, (account, canonical_name(name)))
    if row is None:
        raise MailboxRefused("NONEXISTENT", f"there is no mailbox {name}")
    return _mailbox(row)


def mailbox_by_id(reader: Reader, account: str, mailbox: str) -> MailboxState:
    """The account's mailbox with this id. Raises MailboxRefused NONEXISTENT, also for another account's mailbox."""
    row = reader.first_row(f"SELECT {_WITH_SCRIPT} FROM mailbox WHERE id = ? AND account = ?", (mailbox, account))  # noqa: S608
    if row is None:
        raise MailboxRefused("NONEXISTENT", "the mailbox is gone")
    return _mailbox(row)


def mailbox_by_use(reader: Reader, account: str, use: str) -> MailboxState | None:
    """The account's mailbox of a special use, or None."""
    row = reader.first_row(f"SELECT {_MAILBOX} FROM mailbox WHERE account = ? AND special_use = ?", (account, use))  # noqa: S608
    return _mailbox(row) if row else None


def mailbox_if_any(reader: Reader, account: str, mailbox: str, name: str) -> list[MailboxState]:
    """The account's mailbox with this id or this name, or None."""
    try:
        return [mailbox_by_id(reader, account, mailbox) if mailbox else mailbox_by_name(reader, account, name)]
    except MailboxRefused:
        return []


def mailboxes(reader: Reader, account: str, after: str = "", most: int = 1000) -> list[MailboxState]:
    """A page of an account's mailboxes in the order of names, after a name."""
    sql = f"SELECT {_MAILBOX} FROM mailbox WHERE account = ? AND name > ? ORDER BY name LIMIT ?"  # noqa: S608
    return [_mailbox(row) for row in reader.all(sql, (account, after, most))]


def used(reader: Reader, account: str) -> Usage:
    """The octets and the number of messages of an account."""
    row = reader.first_row("SELECT used, messages FROM account WHERE account = ?", (account,))
    return Usage(*(row or (0, 0)))


def is_open(reader: Reader, account: str) -> bool:
    """Whether the account has its default mailboxes."""
    return reader.first_row("SELECT 1 FROM account WHERE account = ?", (account,)) is not None


def closing_of(reader: Reader, account: str) -> str:
    """`archived`, `erasing` or `erased` for an account that the directory removed; empty for all others."""
    row = reader.first_row("SELECT state FROM closed_account WHERE account = ?", (account,))
    return str(row[0]) if row else ""


def mailbox_with_messages(reader: Reader, account: str) -> MailboxState | None:
    """A mailbox of the account that has messages, or None."""
    row = reader.first_row(f"SELECT {_MAILBOX} FROM mailbox WHERE account = ? AND messages > 0 LIMIT 1", (account,))  # noqa: S608
    return _mailbox(row) if row else None


def life_of(reader: Reader, account: str) -> tuple[bool, str]:
    """Whether the account has its default mailboxes, and what `closing_of` returns, in one question."""
    row = reader.first_row(
        "SELECT (SELECT 1 FROM account WHERE account = ?), (SELECT state FROM closed_account WHERE account = ?)",
        (account, account),
    )
    is_there, state = row or (None, None)
    return is_there is not None, state or ""


def thread_of(reader: Reader, account: str, message_ids: Iterable[str]) -> str:
    """The thread of a message with these ids and references; empty when none is known."""
    for message_id in message_ids:
        row = reader.first_row(
            "SELECT thread FROM thread_reference WHERE account = ? AND message_id = ?", (account, message_id)
        )
        if row is not None:
            return str(row[0])
    return ""

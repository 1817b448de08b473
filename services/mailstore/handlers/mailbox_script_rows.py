"""Reads for which events in mailboxes a script is still to run, which script that is, and over which messages."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.annotations import annotation_text
from services.mailstore.handlers.script_messages import StoredMessage, row_of
from services.mailstore.handlers.script_rows import source as source_of
from shared.events.mailbox import Uids
from shared.events.scripts import SERVER
from shared.eventstore.connection import Reader, Row
from shared.protocol.imap.entry_name import SCRIPT_ENTRY
from shared.protocol.imap.ranges import Ranges
from shared.scripts.owner import ScriptOwner

_DUE = "account, due, mailbox, cause, uids, flags, done_through"
NEXT = f"SELECT {_DUE} FROM due_mailbox_script WHERE account > ? ORDER BY account, due LIMIT 1"  # noqa: S608
PRESENT = "SELECT done_through FROM due_mailbox_script WHERE account = ? AND due = ?"
_uids = msgspec.json.Decoder(Uids)
_flags = msgspec.json.Decoder(tuple[str, ...])


class DueRun(NamedTuple):
    """An event for which a script is to run."""

    account: str
    due: int
    mailbox: str
    cause: str
    uids: Ranges
    flags: tuple[str, ...]
    done_through: int


class NamedScript(NamedTuple):
    """The script that annotations name, and its mailbox."""

    mailbox: MailboxState
    name: str
    source: bytes | None


def due_run(row: Row) -> DueRun:
    """The event of a row of `NEXT`."""
    account, due, mailbox, cause, uids, flags, done_through = row
    return DueRun(account, due, mailbox, cause, _uids.decode(uids), _flags.decode(flags), done_through)


def named_script(reader: Reader, run: DueRun) -> NamedScript | None:
    """The script for a mailbox, by its annotation, else by that of the server (RFC 6785 §2.3.1).

    An annotation of the mailbox that names nothing usable does not fall back to the server's. A name that the server
    gives means a script of the account, else one of the server. None: nothing is to run.
    """
    there = load.mailbox_if_any(reader, run.account, run.mailbox, "")
    if not there or load.closing_of(reader, run.account):
        return None
    name = annotation_text(reader, run.account, run.mailbox, SCRIPT_ENTRY)
    of_server = name is None
    if name is None:
        name = annotation_text(reader, run.account, "", SCRIPT_ENTRY)
    if not name:
        return None
    source = source_of(reader, run.account, name)
    if source is None and of_server:
        source = source_of(reader, SERVER, name)
    return NamedScript(there[0], name, source)


def messages_there(reader: Reader, mailbox: str, uids: Ranges) -> list[StoredMessage]:
    """The messages that are still there."""
    numbers = (uid for first, last in uids for uid in range(first, last + 1))
    return [row for uid in numbers if (row := row_of(reader, mailbox, uid)) is not None]


def environment_items(run: DueRun, script: NamedScript, owner: ScriptOwner) -> dict[str, str]:
    """The environment items of RFC 6785 §4.2 to §4.5."""
    return {
        "imap.user": owner.address,
        "imap.email": owner.address,
        "imap.cause": run.cause,
        "imap.mailbox": script.mailbox.name,
        "imap.changedflags": " ".join(run.flags),
    }

"""Notes, in the unit of work of a client's command, that the script of a mailbox is to run (RFC 6785 §2.2).

Only commands of clients are such events: what a script does, and what is delivered, expires or is restored, is none. A
mailbox without a script costs nothing here, because its state says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.mailstore.domain import mailbox_scripts as decide
from services.mailstore.domain.flags import Flags
from services.mailstore.domain.state import FlagRun, MailboxState
from shared.events.mailbox_scripts import MailboxScriptDue
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.ranges import Ranges

log = structlog.get_logger("mailstore")
_WAITING = "SELECT count(*) FROM due_mailbox_script WHERE account = ?"
MOST_DUE = 1000
"""Events of an account that may wait for their script; the script does not run for further ones."""


def note_messages(
    tx: Transaction, account: str, mailbox: MailboxState, cause: str, uids: Ranges, done: Sequence[Recorded]
) -> None:
    """Note that messages came into a mailbox by the recorded events."""
    if mailbox.runs_script and done:
        _append(tx, account, decide.due(account, mailbox.id, cause, uids), done[-1])


def note_flags(
    tx: Transaction,
    account: str,
    mailbox: MailboxState,
    runs: Sequence[FlagRun],
    mode: str,
    given: Flags,
    done: Sequence[Recorded],
) -> None:
    """Note that flags of messages were changed by the recorded event; `runs` are the messages before it."""
    if mailbox.runs_script and done:
        _append(tx, account, decide.due_after_flags(account, mailbox.id, runs, mode, given), done[-1])


def _append(tx: Transaction, account: str, events: Sequence[MailboxScriptDue], done: Recorded) -> None:
    waiting = tx.first_row(_WAITING, (account,))
    if waiting is not None and waiting[0] + len(events) > MOST_DUE:
        log.warning("mailstore.mailbox_script_left_out", account=account, waiting=waiting[0], events=len(events))
        return
    by = done.provenance
    tx.append(account, events, Provenance(by.actor, by.cause, by.correlation))  # not of the command, which has answers

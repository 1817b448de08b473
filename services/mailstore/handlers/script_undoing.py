"""Undoes what a script did to the messages of a mailbox, in units of work, the last steps first.

Only what is still where the application put it comes back. What the owner has moved, changed or removed since is
skipped and counted.
"""

from __future__ import annotations

from typing import NamedTuple

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.flags import Flags, parse
from services.mailstore.domain.script_application import undone_together
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.quota_warnings import note_decrease
from services.mailstore.handlers.script_application_rows import ApplicationRow, last_steps
from services.mailstore.projections import chosen
from shared.events.applying import COPIED, FLAGGED, MADE, ApplicationStep, UndoAdvanced, UndoCounts
from shared.events.mailbox import FlagsChanged, MailboxDeleted
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.protocol.imap.ranges import Ranges, count, joined

_STEPS, _MESSAGES = 100, 2000
"""Steps that a unit of work reads, and messages after which it ends."""


class Undoing(NamedTuple):
    """A unit of work that undoes the last steps of an application."""

    tx: Transaction
    row: ApplicationRow
    provenance: Provenance

    def advance(self) -> int:
        """Undo some steps; returns the number of the step that is next, -1 when all are undone."""
        counts, next_step, messages = UndoCounts(), -1, 0
        for number, step in last_steps(self.tx, self.row.id, _STEPS):
            if messages >= _MESSAGES:
                break
            counts = undone_together(counts, self._undo(step))
            next_step, messages = number - 1, messages + count(step.uids)
        if counts.copies_removed:
            note_decrease(self.tx, self.row.account, self.provenance)
        event = UndoAdvanced(self.row.account, self.row.id, next_step, counts)
        self.tx.append(self.row.account, [event], self.provenance)
        return next_step

    def _undo(self, step: ApplicationStep) -> UndoCounts:
        try:
            if step.kind == MADE:
                return self._unmade(step)
            if step.kind == FLAGGED:
                return self._flags_back(step)
            return self._copies_removed(step) if step.kind == COPIED else self._moved_back(step)
        except MailboxRefused:  # a mailbox is gone, or full
            return UndoCounts(skipped=count(step.uids))

    def _moved_back(self, step: ApplicationStep) -> UndoCounts:
        """Move messages back, with the flags they had. Flags that the owner has changed since stay. Raises
        MailboxRefused."""
        account, before = self.row.account, parse(step.before)
        load.mailbox_by_id(self.tx, account, step.target)
        source = self._origin(step.mailbox)
        there, same = self._present(step.target, _placed(step), parse(step.after))
        decide.uids_left(source, count(there))
        restored = same if step.before != step.after else ()
        self._set_flags(step.target, restored, before)
        events = decide.move(account, step.target, source, there)
        self.tx.append(account, events, self.provenance)
        return UndoCounts(
            moved_back=count(there), flags_restored=count(restored), skipped=count(step.uids) - count(there)
        )

    def _copies_removed(self, step: ApplicationStep) -> UndoCounts:
        """Remove copies that are as they were made; they can be restored like others that were removed."""
        _, same = self._present(step.target, _placed(step), parse(step.after))
        self.tx.append(self.row.account, decide.expunge(self.row.account, step.target, same), self.provenance)
        return UndoCounts(copies_removed=count(same), skipped=count(step.uids) - count(same))

    def _flags_back(self, step: ApplicationStep) -> UndoCounts:
        _, same = self._present(step.mailbox, step.uids, parse(step.after))
        self._set_flags(step.mailbox, same, parse(step.before))
        return UndoCounts(flags_restored=count(same), skipped=count(step.uids) - count(same))

    def _unmade(self, step: ApplicationStep) -> UndoCounts:
        """Remove a mailbox that the application created, if it is empty and has no inferiors."""
        account = self.row.account
        mailbox = load.mailbox_if_any(self.tx, account, step.mailbox, "")
        if not mailbox or mailbox[0].messages or self._has_inferiors(mailbox[0].name):
            return UndoCounts()
        self.tx.append(account, [MailboxDeleted(account, step.mailbox, mailbox[0].name)], self.provenance)
        return UndoCounts(mailboxes_removed=1)

    def _present(self, mailbox: str, uids: Ranges, flags: Flags) -> tuple[Ranges, Ranges]:
        """The messages that are there, and those among them that have exactly these flags."""
        runs = chosen.flag_runs(self.tx, mailbox, uids, None)
        same = (run for run in runs if run.flags == flags)
        return joined((run.first, run.last) for run in runs), joined((run.first, run.last) for run in same)

    def _set_flags(self, mailbox: str, uids: Ranges, flags: Flags) -> None:
        if uids:
            event = FlagsChanged(self.row.account, mailbox, uids, "replace", flags.names())
            self.tx.append(self.row.account, [event], self.provenance)

    def _origin(self, mailbox: str) -> MailboxState:
        """The mailbox from which messages came, or one that has its name now. Raises MailboxRefused."""
        own = load.mailbox_if_any(self.tx, self.row.account, mailbox, "")
        return own[0] if own else load.mailbox_by_name(self.tx, self.row.account, self.row.mailbox_name)

    def _has_inferiors(self, name: str) -> bool:
        below = name + SEPARATOR
        sql = "SELECT 1 FROM mailbox WHERE account = ? AND substr(name, 1, ?) = ? LIMIT 1"
        return self.tx.first_row(sql, (self.row.account, len(below), below)) is not None


def _placed(step: ApplicationStep) -> Ranges:
    """The UIDs that messages got in the target."""
    return ((step.first_uid, step.first_uid + count(step.uids) - 1),)

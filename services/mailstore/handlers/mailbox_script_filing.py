"""Carries out, within a unit of work, what scripts have decided about messages that are in a mailbox (RFC 6785 §3).

Messages with the same decision and the same flags share their events. What cannot be done leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.flags import DELETED, Change, Flags, parse
from services.mailstore.domain.mailbox_scripts import FiledCopy, MessageDecision
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.all_mail import as_goal
from services.mailstore.handlers.quota_warnings import note_growth
from services.mailstore.handlers.script_answers import is_modified_utf7, mailbox_of_script, mailbox_of_use
from services.mailstore.handlers.script_messages import StoredMessage, row_of
from services.mailstore.projections import chosen
from services.mailstore.settings import MailstoreSettings
from shared.events.mailbox import FlagsChanged
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.mailbox_name import InvalidMailboxName
from shared.protocol.imap.ranges import Ranges, count, ranges

Decisions = Sequence[tuple[StoredMessage, MessageDecision]]


class MailboxWork(NamedTuple):
    """Whose mailbox it is, and who acts."""

    account: str
    mailbox: MailboxState
    quota: QuotaLimits
    by: Provenance


class FilingResult(NamedTuple):
    """What became of the messages."""

    messages: int
    failed: int
    error: str


class _Alike(NamedTuple):
    """Messages for which the same is to be done."""

    copies: tuple[FiledCopy, ...]
    before: Flags
    after: Flags


class _Target(NamedTuple):
    mailbox: MailboxState
    flags: Flags


class MailboxScriptFiling:
    """The body of a unit of work."""

    def __init__(self, mailboxes: MailboxCommands, ids: Ids, limits: MailstoreSettings) -> None:
        self._mailboxes = mailboxes
        self._ids = ids
        self._limits = limits

    def carry_out(self, tx: Transaction, work: MailboxWork, decisions: Decisions) -> FilingResult:
        """Carry out the decisions about messages that are still there."""
        groups: dict[_Alike, list[StoredMessage]] = {}
        messages, errors = 0, []
        for read, decision in decisions:
            now = row_of(tx, work.mailbox.id, read.uid)
            if now is None:
                continue
            messages += 1
            errors += [decision.failure] if decision.failure else []
            if not decision.is_idle:
                groups.setdefault(_alike(read, now, decision), []).append(now)
        for alike, rows in groups.items():
            try:
                self._group(tx, work, alike, rows)
            except (MailboxRefused, InvalidMailboxName) as refused:
                errors += [str(refused)] * len(rows)
        return FilingResult(messages, len(errors), errors[0] if errors else "")

    def _group(self, tx: Transaction, work: MailboxWork, alike: _Alike, rows: list[StoredMessage]) -> None:
        """Carry out one decision. Raises MailboxRefused, and then nothing but missing mailboxes has been made."""
        uids = ranges(row.uid for row in rows)
        targets, after = self._targets(tx, work, alike), alike.after
        own = targets.pop(work.mailbox.id, None)
        if own is not None:  # a copy beside the message itself would be a duplicate: it stays (RFC 5228 §2.10.3)
            after = Flags(own.flags.system, own.flags.keywords)
        self._check(tx, work, list(targets.values()), alike, after, rows)
        for target in targets.values():
            self._copy(tx, work, target, uids, alike.before)
        if after != alike.before:
            event = FlagsChanged(work.account, work.mailbox.id, uids, "replace", after.names())
            tx.append(work.account, [event], work.by)
        if targets:
            note_growth(tx, work.account, work.quota, load.used(tx, work.account), self._ids, work.by)

    def _targets(self, tx: Transaction, work: MailboxWork, alike: _Alike) -> dict[str, _Target]:
        """The mailboxes of the copies by id. Raises MailboxRefused."""
        places = ((self._mailbox(tx, work, copy), parse(copy.flags)) for copy in alike.copies)
        return {mailbox.id: _Target(mailbox, flags) for mailbox, flags in places}

    def _mailbox(self, tx: Transaction, work: MailboxWork, copy: FiledCopy) -> MailboxState:
        """The mailbox of a copy: by its id (RFC 9042 §4), its special use (RFC 8579 §4), or its name.

        Raises MailboxRefused when it is missing and not to be created.
        """
        place = copy.place
        by_id = load.mailbox_if_any(tx, work.account, place.mailbox_id, "") if place.mailbox_id else []
        by_use = mailbox_of_use(tx, work.account, place.special_use) if place.special_use else None
        there = (by_id[0] if by_id else None) or by_use or mailbox_of_script(tx, work.account, place.mailbox)
        if there is not None:
            return as_goal(there)
        if not place.create:
            raise MailboxRefused("NONEXISTENT", f"there is no mailbox {place.mailbox}")
        if is_modified_utf7(place.mailbox):
            raise MailboxRefused("NONEXISTENT", f"the name {place.mailbox} is not written in UTF-8")
        return self._mailboxes.create(tx, work.account, place.mailbox, "", work.by)

    def _check(
        self,
        tx: Transaction,
        work: MailboxWork,
        targets: Sequence[_Target],
        alike: _Alike,
        after: Flags,
        rows: Sequence[StoredMessage],
    ) -> None:
        """Check all limits before anything is done. Raises MailboxRefused."""
        if after != alike.before:
            self._check_keywords(tx, work.mailbox.id, after)
        for target in targets:
            decide.uids_left(target.mailbox, len(rows))
            self._check_keywords(tx, target.mailbox.id, alike.before)
            self._check_keywords(tx, target.mailbox.id, target.flags)
        if targets:
            more = Usage(len(targets) * sum(row.size for row in rows), len(targets) * len(rows))
            check_quota(load.used(tx, work.account), more, work.quota)

    def _check_keywords(self, tx: Transaction, mailbox: str, flags: Flags) -> None:
        words = set(flags.keywords.split())
        if words:
            decide.keywords_fit(flags, self._limits.max_message_keywords)
            decide.keywords_left(*chosen.new_keywords(tx, mailbox, words), self._limits.max_keywords)

    def _copy(self, tx: Transaction, work: MailboxWork, target: _Target, uids: Ranges, before: Flags) -> None:
        goal = load.mailbox_by_id(tx, work.account, target.mailbox.id)
        events: list[Event] = decide.copy(work.account, work.mailbox.id, goal, uids, self._new_entry, lambda _: ())
        if target.flags != before:
            copied = ((goal.uid_next, goal.uid_next + count(uids) - 1),)
            events.append(FlagsChanged(work.account, goal.id, copied, "replace", target.flags.names()))
        tx.append(work.account, events, work.by)

    def _new_entry(self) -> str:
        return self._ids.new(IdKind.ENTRY)


def _alike(read: StoredMessage, now: StoredMessage, decision: MessageDecision) -> _Alike:
    """What is to be done. Flags that the owner has changed since the script read them stay changed."""
    after = now.flags
    if not decision.keeps:
        after = Flags(after.system | DELETED, after.keywords)
    elif decision.flags is not None:
        after = _carried(read.flags, parse(decision.flags), after)
    return _Alike(decision.copies, now.flags, after)


def _carried(before: Flags, after: Flags, now: Flags) -> Flags:
    """The flags `now` with what changed from `before` to `after`."""
    had, has = set(before.names()), set(after.names())
    added, removed = parse(sorted(has - had)), parse(sorted(had - has))
    return Change("add", added).applied(Change("remove", removed).applied(now))

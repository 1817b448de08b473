"""Carries out what a script has decided about messages of a mailbox, within a unit of work.

Messages with the same outcome are in one event. What the owner has changed since the script read a message goes first:
such a message is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.flags import Flags
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.mailstore.domain.script_application import Decided, FilingPlace, MessageGroup, counted, grouped, together
from services.mailstore.domain.state import TRASH, MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.all_mail import is_all_mail
from services.mailstore.handlers.quota_warnings import note_growth
from services.mailstore.handlers.script_answers import is_modified_utf7, mailbox_of_script, mailbox_of_use
from services.mailstore.projections import chosen
from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.current import source
from services.mailstore.settings import MailstoreSettings
from shared.events.applying import (
    COPIED,
    FLAGGED,
    MADE,
    MOVED,
    ApplicationCounts,
    ApplicationStep,
    ScriptError,
)
from shared.events.mailbox import FlagsChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.mailbox_name import InvalidMailboxName
from shared.protocol.imap.ranges import ranges


class Order(NamedTuple):
    """For whom messages are filed, and from which mailbox."""

    account: str
    mailbox: str
    quota: QuotaLimits
    provenance: Provenance


class FiledUnit(NamedTuple):
    """What a unit of work did."""

    counts: ApplicationCounts
    steps: tuple[ApplicationStep, ...]
    errors: tuple[ScriptError, ...]


class _Goal(NamedTuple):
    mailbox: MailboxState
    flags: Flags


class _Targets(NamedTuple):
    """Where the messages of a group go."""

    flags: Flags | None
    """Of what stays in the mailbox; None: nothing stays."""
    copies: Sequence[_Goal] = ()
    move: _Goal | None = None


class ScriptFiling:
    """The body of a unit of work."""

    def __init__(self, mailboxes: MailboxCommands, ids: Ids, limits: MailstoreSettings) -> None:
        self._mailboxes = mailboxes
        self._ids = ids
        self._limits = limits

    def carry_out(self, tx: Transaction, order: Order, decided: Sequence[Decided]) -> FiledUnit:
        """Carry out what is decided. Raises MailboxRefused when the mailbox is gone."""
        load.mailbox_by_id(tx, order.account, order.mailbox)
        waiting = [message for message in decided if message.changes]
        there = _as_read(tx, order.mailbox, waiting)
        errors = [message.error for message in decided if message.error is not None]
        counts, steps = counted(decided), list[ApplicationStep]()
        idle, gone = len(decided) - len(waiting) - len(errors), sum(message.uid not in there for message in waiting)
        counts = together(counts, ApplicationCounts(unchanged=idle, passed_over=gone))
        for group in grouped(message for message in waiting if message.uid in there):
            done, made = self._try(tx, order, group, errors)
            counts = together(counts, made)
            steps += done
        return FiledUnit(counts, tuple(steps), tuple(errors))

    def _try(
        self, tx: Transaction, order: Order, group: MessageGroup, errors: list[ScriptError]
    ) -> tuple[list[ApplicationStep], ApplicationCounts]:
        """File a group; when it is refused, its messages stay as they are."""
        steps: list[ApplicationStep] = []
        try:
            targets = self._targets(tx, order, group, steps)
            self._check(tx, order, group, targets)
        except (MailboxRefused, InvalidMailboxName) as refused:
            errors.append(ScriptError(group.uids[0][0], str(refused)[:500]))
            return steps, ApplicationCounts(failed=group.messages)
        steps += self._filed(tx, order, group, targets)
        return steps, _counts(group, targets)

    def _targets(self, tx: Transaction, order: Order, group: MessageGroup, steps: list[ApplicationStep]) -> _Targets:
        """The mailboxes of a group, which are created if the script says so. Raises MailboxRefused."""
        filing = group.filing
        if filing.is_discarded:
            trash = load.mailbox_by_use(tx, order.account, TRASH)
            if trash is None:
                raise MailboxRefused("NONEXISTENT", "there is no mailbox for deleted mail")
            own = trash.id == order.mailbox
            return _Targets(group.before) if own else _Targets(None, (), _Goal(trash, group.before))
        goals = {
            mailbox.id: _Goal(mailbox, place.flags)
            for place in filing.places
            for mailbox in (self._mailbox(tx, order, place, steps),)
        }
        own_goal = goals.pop(order.mailbox, None)
        rest = list(goals.values())
        if filing.stays or own_goal is not None:
            return _Targets(filing.flags if filing.stays or own_goal is None else own_goal.flags, rest)
        return _Targets(None, rest[1:], rest[0])

    def _mailbox(self, tx: Transaction, order: Order, place: FilingPlace, steps: list[ApplicationStep]) -> MailboxState:
        """The mailbox of a place: by its id, by its special use, by its name; else it is created if that is asked for.

        Raises MailboxRefused.
        """
        there = place_there(tx, order.account, place)
        if there is not None:
            return there
        if not place.create:
            raise MailboxRefused("NONEXISTENT", f"there is no mailbox {place.name}")
        if is_modified_utf7(place.name):
            raise MailboxRefused("NONEXISTENT", f"the name {place.name} is not written in UTF-8")
        unnamed = msgspec.structs.replace(order.provenance, command="")  # the command made other events before
        before = tx.version(order.account)
        made = self._mailboxes.create(tx, order.account, place.name, "", unnamed)
        steps.extend(ApplicationStep(MADE, mailbox) for mailbox in _made_since(tx, order.account, before, made.id))
        return made

    def _check(self, tx: Transaction, order: Order, group: MessageGroup, targets: _Targets) -> None:
        """Check limits before anything is done. Raises MailboxRefused."""
        goals = [*targets.copies, *([targets.move] if targets.move is not None else [])]
        for goal in goals:
            decide.uids_left(goal.mailbox, group.messages)
            self._check_keywords(tx, goal.mailbox.id, goal.flags)
            self._check_keywords(tx, goal.mailbox.id, group.before)
        if targets.flags is not None and targets.flags != group.before:
            self._check_keywords(tx, order.mailbox, targets.flags)
        if targets.copies:
            copies = len(targets.copies)
            more = Usage(copies * group.size, copies * group.messages)
            check_quota(load.used(tx, order.account), more, order.quota)

    def _check_keywords(self, tx: Transaction, mailbox: str, flags: Flags) -> None:
        words = set(flags.keywords.split())
        if words:
            decide.keywords_fit(flags, self._limits.max_message_keywords)
            decide.keywords_left(*chosen.new_keywords(tx, mailbox, words), self._limits.max_keywords)

    def _filed(self, tx: Transaction, order: Order, group: MessageGroup, targets: _Targets) -> list[ApplicationStep]:
        """Append the events of a group; returns how they can be undone."""
        steps = [self._copied(tx, order, group, goal) for goal in targets.copies]
        if targets.move is not None:
            steps.append(self._moved(tx, order, group, targets.move))
        elif targets.flags is not None and targets.flags != group.before:
            before, after = group.before.names(), targets.flags.names()
            tx.append(
                order.account,
                [FlagsChanged(order.account, order.mailbox, group.uids, "replace", after)],
                order.provenance,
            )
            steps.append(ApplicationStep(FLAGGED, order.mailbox, group.uids, before=before, after=after))
        if targets.copies:
            used = load.used(tx, order.account)
            note_growth(tx, order.account, order.quota, used, self._ids, order.provenance)
        return steps

    def _copied(self, tx: Transaction, order: Order, group: MessageGroup, goal: _Goal) -> ApplicationStep:
        target = load.mailbox_by_id(tx, order.account, goal.mailbox.id)
        events = decide.copy(order.account, order.mailbox, target, group.uids, self._new_entry, lambda _uids: ())
        return _placed(tx, order, group, goal, target, COPIED, events)

    def _moved(self, tx: Transaction, order: Order, group: MessageGroup, goal: _Goal) -> ApplicationStep:
        target = load.mailbox_by_id(tx, order.account, goal.mailbox.id)
        events = decide.move(order.account, order.mailbox, target, group.uids)
        return _placed(tx, order, group, goal, target, MOVED, events)

    def _new_entry(self) -> str:
        return self._ids.new(IdKind.ENTRY)


def place_there(reader: Reader, account: str, place: FilingPlace) -> MailboxState | None:
    """The mailbox of a place that exists: its id (RFC 9042 §4) and its special use (RFC 8579 §4) precede its name."""
    by_id = load.mailbox_if_any(reader, account, place.mailbox_id, "") if place.mailbox_id else []
    by_use = mailbox_of_use(reader, account, place.special_use) if place.special_use else None
    there = (by_id[0] if by_id else None) or by_use or mailbox_of_script(reader, account, place.name)
    return None if there is not None and is_all_mail(there.id) else there


def _placed(
    tx: Transaction,
    order: Order,
    group: MessageGroup,
    goal: _Goal,
    target: MailboxState,
    kind: str,
    events: list[Event],
) -> ApplicationStep:
    """Append copies or a move, and the flags in the target if they are others."""
    first, before, after = target.uid_next, group.before.names(), goal.flags.names()
    if goal.flags != group.before:
        uids = ((first, first + group.messages - 1),)
        events = [*events, FlagsChanged(order.account, target.id, uids, "replace", after)]
    tx.append(order.account, events, order.provenance)
    return ApplicationStep(kind, order.mailbox, group.uids, target.id, first, before, after)


def _counts(group: MessageGroup, targets: _Targets) -> ApplicationCounts:
    number = group.messages
    flagged = targets.flags is not None and targets.flags != group.before
    return ApplicationCounts(
        unchanged=number if targets.move is None and not targets.copies and not flagged else 0,
        moved=number if targets.move is not None and not group.filing.is_discarded else 0,
        copied=number * len(targets.copies),
        flagged=number if flagged else 0,
        discarded=number if targets.move is not None and group.filing.is_discarded else 0,
    )


def _as_read(reader: Reader, mailbox: str, decided: Sequence[Decided]) -> set[int]:
    """The UIDs of messages that are as the script has read them."""
    read = {message.uid: message.modseq for message in decided}
    same: set[int] = set()
    for condition, parameters in conditions(ranges(sorted(read))):
        sql = f"SELECT uid, modseq FROM {source(reader, mailbox)} WHERE mailbox = ? AND {condition}"  # noqa: S608
        same.update(uid for uid, modseq in reader.all(sql, (mailbox, *parameters)) if read.get(uid) == modseq)
    return same


def _made_since(tx: Transaction, account: str, version: int, mailbox: str) -> list[str]:
    """The mailboxes that were created with this one and above it, the highest first. Their MODSEQ is newer."""
    sql = "SELECT id FROM mailbox WHERE account = ? AND modseq > ? AND messages = 0 AND uid_next = 1 ORDER BY name"
    made = [identity for (identity,) in tx.all(sql, (account, version))]
    return made if mailbox in made else [*made, mailbox]

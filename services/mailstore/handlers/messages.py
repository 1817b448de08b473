"""Commands on messages: deliver, append, store, copy, move, expunge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from typing import NamedTuple, TypeVar

import structlog

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.flags import Flags, parse
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.mailstore.domain.state import TRASH, MailboxState, Messages, Selection
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import ensure_open
from services.mailstore.handlers.all_mail import as_goal
from services.mailstore.handlers.delivery_places import DeliveryPlace, DeliveryPlaces
from services.mailstore.handlers.mailbox_script_events import note_flags, note_messages
from services.mailstore.handlers.quota_warnings import is_notification, note_decrease, note_growth
from services.mailstore.projections import chosen
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.mailbox import (
    FlagsChanged,
    MessageAppended,
    MessageDelivered,
    MessagesCopied,
    MessagesExpunged,
    MessagesMoved,
    NewEntry,
)
from shared.events.mailbox_scripts import APPEND, COPY
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.ranges import Ranges, count, joined, without
from shared.protocol.smtp.codes import POSTMASTER

log = structlog.get_logger("mailstore")
E = TypeVar("E", bound=Event)
_REFERENCES_ASKED = 20


class NewMessage(NamedTuple):
    """A message that is to be stored in a mailbox."""

    blob: str
    size: int
    """The size of the body in octets."""
    prefix: bytes
    flags: tuple[str, ...]
    internal_date: int
    zone: int
    """Minutes east of UTC of the zone in which the internal date was given."""
    message_id: str
    references: tuple[str, ...]
    subject: str


class Key(NamedTuple):
    """The key by which a repeated delivery is recognised."""

    queue_id: str
    recipient: str
    place: int
    """The index of the step in the plan."""

    @property
    def command(self) -> str:
        """The command id under which the delivery is recorded."""
        return f"{self.queue_id}/{self.place}/{self.recipient}"

    @property
    def is_for_postmaster(self) -> bool:
        """Whether the mail was sent to postmaster, which always gets some more (RFC 5321 §4.5.1)."""
        return self.recipient.rpartition("@")[0].lower() == POSTMASTER


class Delivered(NamedTuple):
    """Where a delivery stored the message."""

    entry: str
    mailbox: str
    uid: int
    repeated: bool
    mailbox_name: str


class OldMessage(NamedTuple):
    """A message that is to be replaced."""

    mailbox: str
    """The id of its mailbox."""
    uid: int


class Placed(NamedTuple):
    """Where COPY or MOVE stored messages; the n-th UID of `source` became the n-th of `target`."""

    uid_validity: int
    source: Ranges
    target: Ranges
    version: int


class Stored(NamedTuple):
    """The result of a STORE."""

    version: int
    """The account's version afterwards."""
    stored: Ranges
    """UIDs of the existing messages, without the refused ones."""
    refused: Ranges
    """UIDs that changed after the version that the command names."""
    made: int
    """The version of the change that this command made; 0 when it changed nothing."""
    last: int
    """The last UID examined; 0 when all are done."""


def content_id(account: str, blob: str) -> str:
    """The EMAILID: equal for copies of the same bytes within an account, and not comparable between accounts."""
    return IdKind.CONTENT.value + hashlib.blake2b(f"{account}/{blob}".encode(), digest_size=15).hexdigest()


class MessageCommands:
    """The bodies of units of work for commands on messages."""

    def __init__(self, ids: Ids, clock: Clock, limits: MailstoreSettings) -> None:
        self._ids = ids
        self._clock = clock
        self._limits = limits
        self._mailboxes = limits.default_mailboxes()
        self._places = DeliveryPlaces(ids, clock, limits)

    def deliver(
        self,
        transaction: Transaction,
        account: str,
        key: Key,
        place: DeliveryPlace,
        message: NewMessage,
        quota: QuotaLimits,
        provenance: Provenance,
    ) -> Delivered:
        """Store an accepted mail in a mailbox, once. Raises MailboxRefused OVERQUOTA."""
        earlier = transaction.answered(key.command)
        if earlier:
            return _delivered_before(earlier[0])
        ensure_open(transaction, account, self._ids, self._clock, self._mailboxes, provenance)
        mailbox = self._places.find(transaction, account, place, provenance)
        more = Usage(message.size + len(message.prefix), 1)
        used = load.used(transaction, account)
        is_own_notice = quota.is_set and is_notification(transaction, account, key.queue_id)
        if not is_own_notice:
            check_quota(used, more, quota.with_grace() if key.is_for_postmaster else quota)
        decide.uids_left(mailbox, 1)
        entry = self.entry(
            transaction, account, mailbox.uid_next, self._with_flags_that_fit(transaction, mailbox, message)
        )
        keyed = Provenance(provenance.actor, provenance.cause, provenance.correlation, key.command)
        event = MessageDelivered(account, mailbox.id, key.queue_id, key.recipient, key.place, entry, place.spam)
        transaction.append(account, [event], keyed)
        if not is_own_notice:  # a notification about the quota never causes another one
            note_growth(transaction, account, quota, used.plus(more), self._ids, provenance)
        return Delivered(entry.entry, mailbox.id, entry.uid, False, mailbox.name)

    def append(
        self,
        transaction: Transaction,
        account: str,
        name: str,
        messages: Sequence[NewMessage],
        quota: QuotaLimits,
        provenance: Provenance,
    ) -> tuple[MailboxState, list[int], int]:
        """Store messages from a client (RFC 3501 §6.3.11), all or none.

        Raises MailboxRefused NONEXISTENT or OVERQUOTA.
        """
        earlier = transaction.answered(provenance.command)
        if earlier and isinstance(earlier[0].event, MessageAppended):
            return _appended_before(transaction, account, earlier[0].event, earlier[0].version)
        mailbox = as_goal(load.mailbox_by_name(transaction, account, name))
        used = load.used(transaction, account)
        more = Usage(sum(message.size for message in messages), len(messages))
        check_quota(used, more, quota)
        event = self._appended(transaction, account, mailbox, messages)
        recorded = transaction.append(account, [event], provenance)
        note_growth(transaction, account, quota, used.plus(more), self._ids, provenance)
        uids = [entry.uid for entry in event.entries]
        note_messages(transaction, account, mailbox, APPEND, ((uids[0], uids[-1]),), recorded)
        return mailbox, uids, recorded[-1].version

    def replace(
        self,
        transaction: Transaction,
        account: str,
        old: OldMessage,
        name: str,
        message: NewMessage,
        quota: QuotaLimits,
        provenance: Provenance,
        goal_account: str,
    ) -> tuple[MailboxState, list[int], int]:
        """Store a message and expunge the old one, in one commit; the quota counts the difference (RFC 8508 §3.4).

        The quota is that of the account into which the message goes; in another account it counts the whole message.
        Raises MailboxRefused TRYCREATE, EXPUNGEISSUED, OVERQUOTA or LIMIT.
        """
        earlier = transaction.answered(provenance.command)
        for event in (entry.event for entry in earlier if isinstance(entry.event, MessageAppended)):
            # The accounts may be in different shards, and so in any order.
            version = max(entry.version for entry in earlier if isinstance(entry.event, MessagesExpunged))
            return _appended_before(transaction, goal_account, event, version)
        source = load.mailbox_by_id(transaction, account, old.mailbox)
        goal = self.existing(transaction, goal_account, name)
        gone = chosen.messages(transaction, source.id, ((old.uid, old.uid),))
        decide.all_there(gone.count, 1)
        used, size = load.used(transaction, goal_account), message.size + len(message.prefix)
        growth = Usage(size - gone.size, 0) if goal_account == account else Usage(size, 1)
        if growth.octets > 0:
            check_quota(used, growth, quota)
        event = self._appended(transaction, goal_account, goal, [message])
        stored = transaction.append(goal_account, [event], provenance)
        expunged = transaction.append(account, decide.expunge(account, source.id, gone.uids), provenance)
        if growth.octets > 0:
            note_growth(transaction, goal_account, quota, used.plus(growth), self._ids, provenance)
        if growth.octets <= 0 or goal_account != account:
            note_decrease(transaction, account, provenance)
        uid = event.entries[0].uid
        note_messages(transaction, goal_account, goal, APPEND, ((uid, uid),), stored)
        return goal, [uid], expunged[-1].version

    def _appended(
        self, transaction: Transaction, account: str, mailbox: MailboxState, messages: Sequence[NewMessage]
    ) -> MessageAppended:
        """The event that stores messages of a client. Raises MailboxRefused LIMIT."""
        decide.uids_left(mailbox, len(messages))
        for message in messages:
            decide.keywords_fit(parse(message.flags), self._limits.max_message_keywords)
        self.check_words(transaction, mailbox.id, {word for message in messages for word in _words(message)})
        entries = [
            self.entry(transaction, account, mailbox.uid_next + number, message)
            for number, message in enumerate(messages)
        ]
        return MessageAppended(account, mailbox.id, tuple(entries))

    def store(
        self,
        transaction: Transaction,
        account: str,
        mailbox: str,
        uids: Ranges,
        mode: str,
        flags: Flags,
        unchanged_since: int | None,
        provenance: Provenance,
    ) -> Stored:
        """STORE on as many messages as one event names. Raises MailboxRefused LIMIT."""
        state = load.mailbox_by_id(transaction, account, mailbox)
        runs = chosen.flag_runs(transaction, mailbox, uids, unchanged_since, decide.EVENT_MESSAGES)
        there = joined((run.first, run.last) for run in runs)
        last = runs[-1].last if count(there) == decide.EVENT_MESSAGES else 0
        done = [entry for entry in transaction.answered(provenance.command) if isinstance(entry.event, FlagsChanged)]
        if done:
            newer = joined((run.first, run.last) for run in runs if run.is_newer)
            refused = without(newer, done[0].event.uids)  # type: ignore[attr-defined]
            return Stored(transaction.version(account), without(there, refused), refused, done[0].version, last)
        if mode != "remove":
            self._check_keywords(transaction, mailbox, flags)
        limit = self._limits.max_message_keywords
        events, refused = decide.store_flags(account, state.id, runs, mode, flags, limit)
        recorded = transaction.append(account, events, provenance)
        note_flags(transaction, account, state, runs, mode, flags, recorded)
        made = recorded[-1].version if recorded else 0
        return Stored(transaction.version(account), without(there, refused), refused, made, last)

    def copy(
        self,
        transaction: Transaction,
        account: str,
        mailbox: str,
        uids: Ranges,
        asked: int,
        target: str,
        quota: QuotaLimits,
        provenance: Provenance,
        selection: Selection | None = None,
    ) -> Placed:
        """COPY of all messages or none. With a `selection` the messages need not be read within the unit of work.

        Raises MailboxRefused TRYCREATE, EXPUNGEISSUED, OVERQUOTA or LIMIT.
        """
        done = _earlier(transaction, provenance, MessagesCopied)
        if done:
            return _placed(transaction, account, done)
        source, goal = load.mailbox_by_id(transaction, account, mailbox), self.existing(transaction, account, target)
        if selection is not None and selection.modseq == source.modseq:
            messages = selection.messages
        else:
            messages = self._messages_to_copy(transaction, source, uids)
        decide.copies_left(messages.count, self._limits.copy_messages)
        decide.all_there(messages.count, asked)
        used, more = load.used(transaction, account), Usage(messages.size, messages.count)
        check_quota(used, more, quota.with_grace() if goal.special_use == TRASH else quota)
        decide.uids_left(goal, messages.count)
        self._check_keywords_of(transaction, source, goal, messages.uids)
        events = decide.copy(
            account, source.id, goal, messages.uids, self._new_entry, _contents(transaction, source, goal)
        )
        recorded = transaction.append(account, events, provenance)
        placed = _placed(transaction, account, events, goal)
        note_messages(transaction, account, goal, COPY, placed.target, recorded)
        note_growth(transaction, account, quota, used.plus(more), self._ids, provenance)
        return placed

    def check_copies(self, number: int) -> None:
        """Check how many messages one COPY copies. Raises MailboxRefused LIMIT."""
        decide.copies_left(number, self._limits.copy_messages)

    def selection(self, reader: Reader, account: str, mailbox: str, uids: Ranges) -> Selection:
        """The messages that a COPY will copy, read before its unit of work. Raises MailboxRefused NONEXISTENT."""
        source = load.mailbox_by_id(reader, account, mailbox)
        return Selection(source.modseq, self._messages_to_copy(reader, source, uids))

    def _messages_to_copy(self, reader: Reader, source: MailboxState, uids: Ranges) -> Messages:
        return chosen.messages(reader, source.id, uids, most=self._limits.copy_messages + 1)

    def move(
        self,
        transaction: Transaction,
        account: str,
        mailbox: str,
        uids: Ranges,
        asked: int,
        target: str,
        provenance: Provenance,
    ) -> Placed:
        """MOVE of as many messages as one event names.

        `asked` is the number of messages in the command; all of them must exist. Raises MailboxRefused TRYCREATE, LIMIT
        or EXPUNGEISSUED.
        """
        done = _earlier(transaction, provenance, MessagesMoved)
        if done:
            return _placed(transaction, account, done)
        source, goal = load.mailbox_by_id(transaction, account, mailbox), self.existing(transaction, account, target)
        messages = chosen.messages(transaction, source.id, uids, most=decide.EVENT_MESSAGES)
        all_of_them = messages.count if asked <= messages.count else chosen.number(transaction, source.id, uids)
        decide.all_there(all_of_them, asked)
        decide.uids_left(goal, messages.count)
        self._check_keywords_of(transaction, source, goal, messages.uids)
        contents = _contents(transaction, source, goal)(messages.uids)
        events = decide.move(account, source.id, goal, messages.uids, contents)
        recorded = transaction.append(account, events, provenance)
        placed = _placed(transaction, account, events, goal)
        note_messages(transaction, account, goal, COPY, placed.target, recorded)
        return placed

    def expunge(
        self, transaction: Transaction, account: str, mailbox: str, uids: Ranges, provenance: Provenance
    ) -> tuple[int, Ranges]:
        """Expunge the messages among `uids` that are marked \\Deleted, as many as one event names.

        Returns the version afterwards and the UIDs that were expunged.
        """
        state = load.mailbox_by_id(transaction, account, mailbox)
        done = _earlier(transaction, provenance, MessagesExpunged)
        if done or not state.deleted:
            return transaction.version(account), done[0].uids if done else ()
        gone = chosen.messages(transaction, mailbox, uids, deleted=True, most=decide.EVENT_MESSAGES).uids
        transaction.append(account, decide.expunge(account, state.id, gone), provenance)
        version = transaction.version(account)
        note_decrease(transaction, account, provenance)
        return version, gone

    def _with_flags_that_fit(self, transaction: Transaction, mailbox: MailboxState, message: NewMessage) -> NewMessage:
        """The message, without its keywords when they are too many: a mail is never refused because of its keywords."""
        flags = parse(message.flags)
        try:
            self._check_keywords(transaction, mailbox.id, flags)
        except MailboxRefused as refused:
            log.warning("mailstore.keywords_left_out", mailbox=mailbox.id, keywords=flags.words, reason=str(refused))
            return message._replace(flags=Flags(flags.system, "").names())
        return message

    def _check_keywords(self, transaction: Transaction, mailbox: str, flags: Flags) -> None:
        """Check the keywords of a message and of its mailbox. Raises MailboxRefused LIMIT."""
        if not flags.keywords:
            return
        decide.keywords_fit(flags, self._limits.max_message_keywords)
        self.check_words(transaction, mailbox, set(flags.keywords.split()))

    def _check_keywords_of(
        self, transaction: Transaction, source: MailboxState, goal: MailboxState, uids: Ranges
    ) -> None:
        """Check that a mailbox may have the keywords of these messages. Raises MailboxRefused LIMIT."""
        if source.id == goal.id:
            return
        words = chosen.keywords_of(transaction, source.id, uids, self._limits.max_keywords)
        self.check_words(transaction, goal.id, words)

    def check_words(self, transaction: Transaction, mailbox: str, words: Set[str]) -> None:
        """Check that a mailbox may have these keywords in addition. Raises MailboxRefused LIMIT."""
        if words:
            known, new = chosen.new_keywords(transaction, mailbox, words)
            decide.keywords_left(known, new, self._limits.max_keywords)

    def _new_entry(self) -> str:
        return self._ids.new(IdKind.ENTRY)

    @staticmethod
    def existing(transaction: Transaction, account: str, name: str) -> MailboxState:
        """A mailbox into which messages are put. Raises MailboxRefused TRYCREATE, and for All Mail CANNOT."""
        try:
            return as_goal(load.mailbox_by_name(transaction, account, name))
        except MailboxRefused as refused:
            if refused.reason != "NONEXISTENT":
                raise
            raise MailboxRefused("TRYCREATE", str(refused)) from refused

    def entry(self, transaction: Transaction, account: str, uid: int, message: NewMessage) -> NewEntry:
        """A message that comes into an account, as its event names it."""
        known = (message.message_id, *reversed(message.references[-_REFERENCES_ASKED:]))
        thread = load.thread_of(transaction, account, (entry for entry in known if entry)) or self._ids.new(
            IdKind.THREAD
        )
        return NewEntry(
            entry=self._ids.new(IdKind.ENTRY),
            uid=uid,
            blob=message.blob,
            size=message.size + len(message.prefix),
            internal_date=message.internal_date,
            zone=message.zone,
            content=content_id(account, message.blob),
            thread=thread,
            flags=parse(message.flags).names(),
            prefix=message.prefix,
            message_id=message.message_id[:1000],
            subject=message.subject[:1000],
        )


def _words(message: NewMessage) -> list[str]:
    return parse(message.flags).keywords.split()


def _contents(transaction: Transaction, source: MailboxState, target: MailboxState) -> decide.Contents:
    """The function that returns the blobs for the event of a move or copy between these mailboxes."""
    if not decide.teaches(source, target):
        return lambda _uids: ()
    return lambda uids: chosen.bodies(transaction, source.id, uids)


def _delivered_before(recorded: Recorded) -> Delivered:
    event = recorded.event
    assert isinstance(event, MessageDelivered)
    return Delivered(event.entry.entry, event.mailbox, event.entry.uid, True, "")


def _appended_before(
    transaction: Transaction, account: str, done: MessageAppended, version: int
) -> tuple[MailboxState, list[int], int]:
    """The answer to a repeated APPEND.

    When the mailbox was deleted meanwhile, it raises CANNOT and not NONEXISTENT: after NONEXISTENT the caller would
    delete the bodies, to which events refer.
    """
    try:
        mailbox = load.mailbox_by_id(transaction, account, done.mailbox)
    except MailboxRefused as refused:
        raise MailboxRefused("CANNOT", str(refused)) from refused
    return mailbox, [entry.uid for entry in done.entries], version


def _earlier(transaction: Transaction, provenance: Provenance, kind: type[E]) -> list[E]:
    """The events of an earlier attempt at this command, whose result is then returned again."""
    return [entry.event for entry in transaction.answered(provenance.command) if isinstance(entry.event, kind)]


def _placed(
    transaction: Transaction, account: str, events: Sequence[Event], goal: MailboxState | None = None
) -> Placed:
    """Where these events copied or moved messages."""
    placed = [event for event in events if isinstance(event, MessagesCopied | MessagesMoved)]
    goal = goal or load.mailbox_by_id(transaction, account, placed[0].target)
    source = joined(span for event in placed for span in event.uids)
    target = joined((event.first_uid, event.first_uid + count(event.uids) - 1) for event in placed)
    return Placed(goal.uid_validity, source, target, transaction.version(account))

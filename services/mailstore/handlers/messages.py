"""Commands on messages: deliver, append, store, copy, move, expunge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from services.mailstore.domain import decide
from services.mailstore.domain.decide import Refused
from services.mailstore.domain.flags import Flags, parse
from services.mailstore.domain.names import JUNK
from services.mailstore.domain.state import MailboxState
from services.mailstore.domain.uids import Ranges, count, each, ranges
from services.mailstore.handlers import load
from services.mailstore.handlers.accounts import ensure_open
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
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.transaction import Transaction
from shared.ids import Ids, Kind

E = TypeVar("E", bound=Event)
_REFERENCES_ASKED = 20


class NewMessage(NamedTuple):
    """A message on its way into a mailbox."""

    blob: str
    size: int
    """Octets of the body."""
    prefix: bytes
    flags: tuple[str, ...]
    internal_date: int
    message_id: str
    references: tuple[str, ...]
    subject: str


class Key(NamedTuple):
    """What makes a hand-over happen once."""

    queue_id: str
    recipient: str
    place: int
    """Index in the plan."""

    @property
    def command(self) -> str:
        """The command id it is kept under."""
        return f"{self.queue_id}/{self.place}/{self.recipient}"


class Delivered(NamedTuple):
    """Where a hand-over put the message."""

    entry: str
    mailbox: str
    uid: int
    repeated: bool
    mailbox_name: str


class Placed(NamedTuple):
    """Where COPY or MOVE put messages: the n-th of `source` has UID `first_uid` + n there."""

    uid_validity: int
    source: Ranges
    first_uid: int
    version: int

    @property
    def target(self) -> Ranges:
        """The UIDs in the new mailbox."""
        total = count(self.source)
        return ((self.first_uid, self.first_uid + total - 1),) if total else ()


def content_id(account: str, blob: str) -> str:
    """EMAILID: the same for all copies of the same bytes within an account, and not comparable between accounts."""
    return Kind.CONTENT.value + hashlib.blake2b(f"{account}/{blob}".encode(), digest_size=15).hexdigest()


class MessageCommands:
    """Each method is a unit of work's body."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def deliver(
        self,
        transaction: Transaction,
        account: str,
        key: Key,
        wanted: tuple[str, bool],
        message: NewMessage,
        quota: int,
        why: Provenance,
    ) -> Delivered:
        """Put an accepted mail into a mailbox, once. `wanted`: (name, whether it is spam). Raises Refused OVERQUOTA."""
        earlier = transaction.answered(key.command)
        if earlier:
            return _delivered_before(earlier[0])
        ensure_open(transaction, account, self._ids, self._clock, why)
        mailbox = self._target(transaction, account, *wanted)
        decide.within_quota(load.used(transaction, account)[0], message.size + len(message.prefix), quota)
        decide.uids_left(mailbox, 1)
        entry = self._entry(transaction, account, mailbox.uid_next, message)
        provenance = Provenance(why.actor, why.cause, why.correlation, key.command)
        fact = MessageDelivered(account, mailbox.id, key.queue_id, key.recipient, key.place, entry, wanted[1])
        transaction.append(account, [fact], provenance)
        return Delivered(entry.entry, mailbox.id, entry.uid, False, mailbox.name)

    def append(
        self,
        transaction: Transaction,
        account: str,
        name: str,
        messages: Sequence[NewMessage],
        quota: int,
        why: Provenance,
    ) -> tuple[MailboxState, list[int], int]:
        """Messages from a client (RFC 3501 §6.3.11), all or none. Raises Refused NONEXISTENT or OVERQUOTA."""
        earlier = transaction.answered(why.command)
        if earlier and isinstance(earlier[0].event, MessageAppended):
            return _appended_before(transaction, account, earlier[0].event, earlier[0].version)
        mailbox = load.mailbox_by_name(transaction, account, name)
        decide.within_quota(load.used(transaction, account)[0], sum(message.size for message in messages), quota)
        decide.uids_left(mailbox, len(messages))
        entries = [
            self._entry(transaction, account, mailbox.uid_next + number, message)
            for number, message in enumerate(messages)
        ]
        recorded = transaction.append(account, [MessageAppended(account, mailbox.id, tuple(entries))], why)
        return mailbox, [entry.uid for entry in entries], recorded[-1].version

    def store(
        self,
        transaction: Transaction,
        account: str,
        mailbox: str,
        uids: Ranges,
        mode: str,
        flags: Flags,
        unchanged_since: int | None,
        why: Provenance,
    ) -> tuple[int, list[int]]:
        """STORE; the version after it and the UIDs refused by UNCHANGEDSINCE."""
        state = load.mailbox_by_id(transaction, account, mailbox)
        entries = load.entries(transaction, mailbox, uids)
        done = _earlier(transaction, why, FlagsChanged)
        if done is not None:
            changed = frozenset(each(done.uids))
            refused = [
                one.uid
                for one in entries
                if unchanged_since is not None and one.modseq > unchanged_since and one.uid not in changed
            ]
            return transaction.version(account), refused
        events, refused = decide.store_flags(account, state.id, entries, mode, flags, unchanged_since)
        transaction.append(account, events, why)
        return transaction.version(account), refused

    def copy(
        self,
        transaction: Transaction,
        account: str,
        mailbox: str,
        uids: Ranges,
        target: str,
        quota: int,
        why: Provenance,
    ) -> Placed:
        """COPY. Raises Refused TRYCREATE or OVERQUOTA."""
        done = _earlier(transaction, why, MessagesCopied)
        if done is not None:
            return _placed(transaction, account, done)
        source, goal = load.mailbox_by_id(transaction, account, mailbox), self._existing(transaction, account, target)
        entries = load.entries(transaction, source.id, uids)
        decide.all_there(entries, count(uids))
        decide.within_quota(load.used(transaction, account)[0], sum(entry.size for entry in entries), quota)
        decide.uids_left(goal, len(entries))
        found = _contents(transaction, source, goal, uids)
        events = decide.copy(
            account, source.id, goal, [entry.uid for entry in entries], self._ids.new(Kind.ENTRY), found
        )
        transaction.append(account, events, why)
        return Placed(
            goal.uid_validity, ranges(entry.uid for entry in entries), goal.uid_next, transaction.version(account)
        )

    def move(
        self, transaction: Transaction, account: str, mailbox: str, uids: Ranges, target: str, why: Provenance
    ) -> Placed:
        """MOVE; as `copy`, and the messages leave their mailbox. Raises Refused TRYCREATE."""
        done = _earlier(transaction, why, MessagesMoved)
        if done is not None:
            return _placed(transaction, account, done)
        source, goal = load.mailbox_by_id(transaction, account, mailbox), self._existing(transaction, account, target)
        entries = load.entries(transaction, source.id, uids)
        decide.all_there(entries, count(uids))
        decide.uids_left(goal, len(entries))
        found = _contents(transaction, source, goal, uids)
        transaction.append(account, decide.move(account, source.id, goal, [entry.uid for entry in entries], found), why)
        return Placed(
            goal.uid_validity, ranges(entry.uid for entry in entries), goal.uid_next, transaction.version(account)
        )

    def expunge(
        self, transaction: Transaction, account: str, mailbox: str, uids: Ranges, why: Provenance
    ) -> tuple[int, Ranges]:
        """EXPUNGE what is marked \\Deleted among `uids`; the version after it and what went."""
        state = load.mailbox_by_id(transaction, account, mailbox)
        done = _earlier(transaction, why, MessagesExpunged)
        if done is not None or not state.deleted:
            return transaction.version(account), done.uids if done is not None else ()
        events = decide.expunge(account, state.id, load.entries(transaction, mailbox, uids))
        transaction.append(account, events, why)
        return transaction.version(account), events[0].uids if events else ()  # type: ignore[attr-defined]

    def _target(self, transaction: Transaction, account: str, name: str, spam: bool) -> MailboxState:
        junk = load.mailbox_by_use(transaction, account, JUNK) if spam else None
        if junk is not None:
            return junk
        try:
            return load.mailbox_by_name(transaction, account, name or "INBOX")
        except Refused:
            return load.mailbox_by_name(transaction, account, "INBOX")

    @staticmethod
    def _existing(transaction: Transaction, account: str, name: str) -> MailboxState:
        try:
            return load.mailbox_by_name(transaction, account, name)
        except Refused as refused:
            raise Refused("TRYCREATE", str(refused)) from refused

    def _entry(self, transaction: Transaction, account: str, uid: int, message: NewMessage) -> NewEntry:
        known = (message.message_id, *reversed(message.references[-_REFERENCES_ASKED:]))
        thread = load.thread_of(transaction, account, (one for one in known if one)) or self._ids.new(Kind.THREAD)
        return NewEntry(
            entry=self._ids.new(Kind.ENTRY),
            uid=uid,
            blob=message.blob,
            size=message.size + len(message.prefix),
            internal_date=message.internal_date,
            content=content_id(account, message.blob),
            thread=thread,
            flags=parse(message.flags).names(),
            prefix=message.prefix,
            message_id=message.message_id[:1000],
            subject=message.subject[:1000],
        )


def _contents(transaction: Transaction, source: MailboxState, target: MailboxState, uids: Ranges) -> tuple[str, ...]:
    """What a move or copy between these mailboxes teaches about."""
    return load.blobs(transaction, source.id, uids) if decide.teaches(source, target) else ()


def _delivered_before(recorded: Recorded) -> Delivered:
    fact = recorded.event
    assert isinstance(fact, MessageDelivered)
    return Delivered(fact.entry.entry, fact.mailbox, fact.entry.uid, True, "")


def _appended_before(
    transaction: Transaction, account: str, done: MessageAppended, version: int
) -> tuple[MailboxState, list[int], int]:
    """Not NONEXISTENT when the mailbox went meanwhile: who is told so takes the bodies back, to which the log refers."""
    try:
        mailbox = load.mailbox_by_id(transaction, account, done.mailbox)
    except Refused as refused:
        raise Refused("CANNOT", str(refused)) from refused
    return mailbox, [entry.uid for entry in done.entries], version


def _earlier(transaction: Transaction, why: Provenance, kind: type[E]) -> E | None:
    """What an earlier try of this command decided: it is answered again, and never decided again."""
    return next((one.event for one in transaction.answered(why.command) if isinstance(one.event, kind)), None)


def _placed(transaction: Transaction, account: str, done: MessagesCopied | MessagesMoved) -> Placed:
    goal = load.mailbox_by_id(transaction, account, done.target)
    return Placed(goal.uid_validity, done.uids, done.first_uid, transaction.version(account))

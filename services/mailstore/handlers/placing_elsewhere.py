"""COPY and MOVE between accounts, and into a mailbox where some flags may not be set.

The messages become new ones of the other account, with UIDs, threads and ids of their own; their contents, their flags
and their internal dates stay. A MOVE puts them there and takes them away here in the same commit, so that none is lost
or doubled wherever a process ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.flags import SEEN, Flags
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota
from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load
from services.mailstore.handlers.all_mail import is_all_mail, leaving
from services.mailstore.handlers.mailbox_script_events import note_messages
from services.mailstore.handlers.messages import MessageCommands, NewMessage, Placed
from services.mailstore.handlers.own_seen import note_seen, seen_messages
from services.mailstore.handlers.paged import Moved, together
from services.mailstore.handlers.quota_warnings import note_decrease, note_growth
from services.mailstore.listing.summaries import MessageSummary, Summaries
from services.mailstore.projections import chosen
from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.current import source
from shared.events.mailbox import MessageAppended, MessagesExpunged, NewEntry
from shared.events.mailbox_scripts import COPY
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import Ids
from shared.protocol.imap.ranges import Ranges, above, count, joined, pages, ranges
from shared.protocol.imap.rights import permitted_flags

MOST_COPIED = 10_000
"""Messages of one COPY between accounts, which is one commit (RFC 3501 §6.4.7: all or none)."""
_A_UNIT = 500
"""Messages of one commit of a MOVE."""
_AN_EVENT, _OCTETS_AN_EVENT = 200, 200_000
_ROWS = (
    "SELECT uid, blob, size, internal_date, zone, system, keywords, prefix FROM {source} WHERE mailbox = ?"
    " AND {condition} ORDER BY uid"
)


class Origin(NamedTuple):
    """Where the messages are."""

    account: str
    mailbox: str
    """An id."""
    uids: Ranges
    asked: int
    """How many messages the caller knows among these UIDs."""
    takes_away: bool
    """For MOVE."""
    reader: str = ""
    r"""The user whose own \Seen the messages have; empty: they have that of the owner."""


class Goal(NamedTuple):
    """Where the messages go."""

    account: str
    mailbox: str
    """A name."""
    rights: str
    """Of whoever places them: flags without a right are left out."""
    quota: QuotaLimits
    reader: str = ""
    r"""The user whose own \Seen is set there; empty: that of the owner."""


class PlacedElsewhere(NamedTuple):
    """Where the messages arrived, and the version of the goal's account."""

    moved: Moved
    goal_version: int


class MessagesElsewhere:
    """The commands."""

    def __init__(self, store: EventStore, messages: MessageCommands, summaries: Summaries, ids: Ids) -> None:
        self._store = store
        self._messages = messages
        self._summaries = summaries
        self._ids = ids

    async def place(self, origin: Origin, goal: Goal, provenance: Provenance) -> PlacedElsewhere:
        """Copy all messages in one commit, or move them in several. Raises MailboxRefused when nothing was done."""
        if not origin.takes_away:
            if origin.asked > MOST_COPIED:
                raise MailboxRefused("LIMIT", f"COPY to another account takes at most {MOST_COPIED} messages at once")
            placed, version = await self._unit(origin, goal, provenance)
            return PlacedElsewhere(Moved(placed, None), version)
        done: list[Placed] = []
        version, left = 0, origin
        while not done or left.asked > 0:
            try:
                placed, version = await self._unit(left, goal, provenance.of_unit(len(done)))
            except MailboxRefused as refused:
                if not done:
                    raise
                return PlacedElsewhere(Moved(together(done), refused), version)
            done.append(placed)
            last = placed.source[-1][1] if placed.source else origin.uids[-1][1]
            left = left._replace(uids=above(left.uids, last), asked=left.asked - count(placed.source))
        return PlacedElsewhere(Moved(together(done), None), version)

    async def _unit(self, origin: Origin, goal: Goal, provenance: Provenance) -> tuple[Placed, int]:
        most = _A_UNIT if origin.takes_away else MOST_COPIED
        uids = await self._store.read(lambda reader: _first(reader, origin, most))
        summaries: dict[int, MessageSummary] = {}
        async for page in self._summaries.read(origin.mailbox, uids):
            summaries |= {summary.uid: summary for summary in page}
        return await self._store.write(
            lambda tx: self._placed(tx, origin, goal, uids, summaries, provenance), long=count(uids) > chosen.FEW // 4
        )

    def _placed(
        self,
        tx: Transaction,
        origin: Origin,
        goal: Goal,
        uids: Ranges,
        summaries: dict[int, MessageSummary],
        provenance: Provenance,
    ) -> tuple[Placed, int]:
        """The body of a unit of work."""
        earlier = tx.answered(provenance.command)
        if earlier:
            return _placed_before(tx, origin, goal, earlier)
        source = load.mailbox_by_id(tx, origin.account, origin.mailbox)
        target = self._messages.existing(tx, goal.account, goal.mailbox)
        rows = list(_rows(tx, source.id, uids))
        decide.all_there(
            len(rows) if origin.asked <= len(rows) else chosen.number(tx, source.id, origin.uids), origin.asked
        )
        more = Usage(sum(row[2] for row in rows), len(rows))
        used = load.used(tx, goal.account)
        if origin.account != goal.account or not origin.takes_away:
            check_quota(used, more, goal.quota)
        decide.uids_left(target, len(rows))
        seen = _seen(tx, origin, rows)
        rows = [_with_owners_seen(row, origin, goal, seen) for row in rows]
        messages = [_message(row, summaries.get(row[0]), goal.rights) for row in rows]
        self._check_words(tx, target.id, messages)
        recorded = self._append(tx, goal, target, messages, provenance)
        taken = ranges(row[0] for row in rows)
        if goal.reader and "s" in goal.rights:
            arrived_seen = ranges(target.uid_next + at for at, row in enumerate(rows) if row[0] in seen)
            note_seen(tx, goal.account, target.id, goal.reader, arrived_seen, provenance)
        if origin.takes_away:
            tx.append(origin.account, leaving(tx, origin.account, source.id, taken), provenance)
            note_decrease(tx, origin.account, provenance)
        note_growth(tx, goal.account, goal.quota, load.used(tx, goal.account), self._ids, provenance)
        arrived: Ranges = ((target.uid_next, target.uid_next + len(rows) - 1),) if rows else ()
        note_messages(tx, goal.account, target, COPY, arrived, recorded)
        return Placed(target.uid_validity, taken, arrived, tx.version(origin.account)), tx.version(goal.account)

    def _append(
        self, tx: Transaction, goal: Goal, target: MailboxState, messages: Sequence[NewMessage], by: Provenance
    ) -> list[Recorded]:
        recorded: list[Recorded] = []
        uid = target.uid_next
        for page in _pages(messages):
            entries = [self._messages.entry(tx, goal.account, uid + at, message) for at, message in enumerate(page)]
            recorded += tx.append(goal.account, [MessageAppended(goal.account, target.id, tuple(entries))], by)
            uid += len(page)
        return recorded

    def _check_words(self, tx: Transaction, mailbox: str, messages: Sequence[NewMessage]) -> None:
        words = {flag for message in messages for flag in message.flags if not flag.startswith("\\")}
        self._messages.check_words(tx, mailbox, words)


def _first(reader: Reader, origin: Origin, most: int) -> Ranges:
    """The messages of a unit; none when the mailbox is not the account's any more."""
    try:
        load.mailbox_by_id(reader, origin.account, origin.mailbox)
    except MailboxRefused:
        return ()
    return chosen.messages(reader, origin.mailbox, origin.uids, most=most).uids


def _rows(reader: Reader, mailbox: str, uids: Ranges) -> Iterator[Row]:
    for condition, parameters in conditions(uids):
        sql = _ROWS.format(source=source(reader, mailbox), condition=condition)
        yield from reader.all(sql, (mailbox, *parameters))


def _seen(reader: Reader, origin: Origin, rows: Sequence[Row]) -> Set[int]:
    r"""The messages on which the user who places them has \Seen."""
    if not origin.reader:
        return {row[0] for row in rows if row[5] & SEEN}
    own = seen_messages(reader, origin.mailbox, origin.reader, ranges(row[0] for row in rows))
    return {row[0] for row in rows if own.of(row[0])[0]}


def _with_owners_seen(row: Row, origin: Origin, goal: Goal, seen: Set[int]) -> Row:
    r"""The row with the \Seen that the owner of the goal sees: that of the user, unless the user has his own there."""
    if goal.reader:
        is_seen = origin.account == goal.account and bool(row[5] & SEEN)
    else:
        is_seen = row[0] in seen
    return (*row[:5], row[5] | SEEN if is_seen else row[5] & ~SEEN, *row[6:])


def _message(row: Row, summary: MessageSummary | None, rights: str) -> NewMessage:
    _, blob, size, internal_date, zone, system, keywords, prefix = row
    return NewMessage(
        blob=blob,
        size=size - len(prefix),
        prefix=bytes(prefix),
        flags=tuple(permitted_flags(Flags(system, keywords).names(), rights)),
        internal_date=internal_date,
        zone=zone,
        message_id=summary.message_id if summary else "",
        references=(summary.references or summary.in_reply_to[:1]) if summary else (),
        subject=summary.subject if summary else "",
    )


def _pages(messages: Sequence[NewMessage]) -> Iterator[list[NewMessage]]:
    """The messages of each event, which must fit into a message of the bus."""
    page: list[NewMessage] = []
    octets = 0
    for message in messages:
        if page and (len(page) == _AN_EVENT or octets + len(message.prefix) > _OCTETS_AN_EVENT):
            yield page
            page, octets = [], 0
        page.append(message)
        octets += len(message.prefix)
    if page:
        yield page


def _placed_before(tx: Transaction, origin: Origin, goal: Goal, earlier: Sequence[Recorded]) -> tuple[Placed, int]:
    """The result of an earlier attempt. A repeated COPY names the UIDs of a source that still has all of them.

    The events of a MOVE from All Mail name UIDs of other mailboxes; its unit took the first ones of those asked for.
    """
    events: list[Event] = [entry.event for entry in earlier]
    entries: list[NewEntry] = [new for event in events if isinstance(event, MessageAppended) for new in event.entries]
    taken = joined(span for event in events if isinstance(event, MessagesExpunged) for span in event.uids)
    arrived = ranges(entry.uid for entry in entries)
    if taken and is_all_mail(origin.mailbox):
        taken = next(pages(origin.uids, len(entries)), ())
    elif not taken:
        taken = chosen.messages(tx, origin.mailbox, origin.uids).uids
    if count(taken) != count(arrived):
        taken = arrived = ()
    target = load.mailbox_by_name(tx, goal.account, goal.mailbox)
    return Placed(target.uid_validity, taken, arrived, tx.version(origin.account)), tx.version(goal.account)

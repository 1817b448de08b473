"""Applies events about messages: one statement for a whole range, so that the database does the work and not Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from services.mailstore.domain.flags import DELETED, SEEN, Change, Flags, parse
from services.mailstore.domain.state import FlagRun
from services.mailstore.projections import removed
from services.mailstore.projections.chosen import flag_runs
from services.mailstore.projections.conditions import Condition, conditions
from shared.events import mailbox as events
from shared.events.expiry import MessagesExpired
from shared.events.maildrop import MessagesFetchedAway
from shared.events.restoring import MessagesRestored, RemovedForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_KEPT = "blob, size, internal_date, zone"
_KEPT_TOO = "content, thread, system, keywords"
_ENTRY = f"mailbox, uid, entry, {_KEPT}, saved, {_KEPT_TOO}, modseq, prefix, queue_id"
_INSERT = f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_PLACE = (
    f"INSERT INTO entry ({_ENTRY}) SELECT CAST(? AS TEXT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid), "  # noqa: S608
    f"{{entry}}, {_KEPT}, CAST(? AS BIGINT), {_KEPT_TOO}, CAST(? AS BIGINT), prefix, queue_id"
    " FROM entry WHERE mailbox = ? AND {condition} ORDER BY uid"
)
_RESTORE = (
    f"INSERT INTO entry ({_ENTRY}) SELECT CAST(? AS TEXT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid), "  # noqa: S608
    f"entry, {_KEPT}, CAST(? AS BIGINT), content, thread, system & ~{DELETED}, keywords, CAST(? AS BIGINT), prefix,"
    " queue_id FROM removed_entry WHERE mailbox = ? AND {condition} ORDER BY uid"
)
_COPIED_ENTRY = "CAST(? AS TEXT) || '.' || (CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid))"
_SUM = (
    "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT),"
    " CAST(coalesce(sum(CASE WHEN (system & 1) = 0 THEN 1 ELSE 0 END), 0) AS BIGINT),"
    " CAST(coalesce(sum(CASE WHEN (system & 8) <> 0 THEN 1 ELSE 0 END), 0) AS BIGINT)"
    " FROM {table} WHERE mailbox = ? AND {condition}"
)
"""Messages, octets, messages without SEEN, messages with DELETED."""
_COUNT = (
    "UPDATE mailbox SET uid_next = CASE WHEN uid_next > ? THEN uid_next ELSE ? END, messages = messages + ?, unseen = "
    "unseen + ?,"
    " deleted = deleted + ?, size = size + ?, modseq = ? WHERE id = ?"
)
_USE = "UPDATE account SET used = used + ?, messages = messages + ? WHERE account = ?"
_VANISH = "INSERT INTO vanished (mailbox, modseq, first, last) VALUES "
_ROWS_A_STATEMENT = 100
_Removal = events.MessagesExpunged | MessagesExpired | MessagesFetchedAway
_CAUSES: dict[type[_Removal], str] = {
    events.MessagesExpunged: removed.EXPUNGED,
    MessagesExpired: removed.EXPIRED,
    MessagesFetchedAway: removed.FETCHED,
}


class Sum(NamedTuple):
    """The counters of some messages in a mailbox."""

    messages: int = 0
    size: int = 0
    unseen: int = 0
    deleted: int = 0

    def plus(self, other: Iterable[int]) -> Sum:
        """The sum of both."""
        return Sum(*(mine + its for mine, its in zip(self, other, strict=True)))

    def negative(self) -> Sum:
        """The same counters, negative."""
        return Sum(-self.messages, -self.size, -self.unseen, -self.deleted)


def use(connection: Connection, account: str, size: int, messages: int) -> None:
    """Change the counters of an account."""
    connection.execute(_USE, (size, messages, account))


def delivered(connection: Connection, recorded: Recorded, event: events.MessageDelivered) -> None:
    """Apply message.delivered."""
    _add(connection, recorded, event.account, event.mailbox, [event.entry], event.queue_id)


def appended(connection: Connection, recorded: Recorded, event: events.MessageAppended) -> None:
    """Apply message.appended."""
    _add(connection, recorded, event.account, event.mailbox, event.entries, "")


def _add(
    connection: Connection,
    recorded: Recorded,
    account: str,
    mailbox: str,
    entries: Sequence[events.NewEntry],
    queue_id: str,
) -> None:
    flags = [parse(entry.flags) for entry in entries]
    for entry, flag in zip(entries, flags, strict=True):
        connection.execute(_INSERT, _row(recorded, mailbox, entry, flag, queue_id))
        if entry.message_id:
            connection.execute(
                "INSERT INTO thread_reference (account, message_id, thread) VALUES (?, ?, ?) ON CONFLICT (account, "
                "message_id) DO NOTHING",
                (account, entry.message_id, entry.thread),
            )
    total = Sum(
        len(entries),
        sum(entry.size for entry in entries),
        sum(not flag.system & SEEN for flag in flags),
        sum(bool(flag.system & DELETED) for flag in flags),
    )
    _count(connection, recorded, mailbox, entries[-1].uid + 1, total)
    use(connection, account, total.size, total.messages)
    _note_keywords(connection, mailbox, {flag.keywords for flag in flags})


def _row(recorded: Recorded, mailbox: str, entry: events.NewEntry, flags: Flags, queue_id: str) -> tuple[Any, ...]:
    return (
        mailbox,
        entry.uid,
        entry.entry,
        entry.blob,
        entry.size,
        entry.internal_date,
        entry.zone,
        recorded.at,
        entry.content,
        entry.thread,
        flags.system,
        flags.keywords,
        recorded.version,
        entry.prefix,
        queue_id,
    )


def flags_changed(connection: Connection, recorded: Recorded, event: events.FlagsChanged) -> None:
    """Apply message.flags_changed."""
    given = parse(event.flags)
    change = Change(event.mode, given)
    unseen = deleted = 0
    targets: defaultdict[Flags, list[tuple[int, int]]] = defaultdict(list)
    after: dict[Flags, Flags] = {}
    for run in flag_runs(connection, event.mailbox, event.uids, None):
        goal = after.get(run.flags) or after.setdefault(run.flags, change.applied(run.flags))
        targets[goal].append((run.first, run.last))
        unseen += _gain(run, goal, SEEN)
        deleted -= _gain(run, goal, DELETED)
    for goal, spans in targets.items():
        for condition, parameters in conditions(spans):
            sql = f"UPDATE entry SET system = ?, keywords = ?, modseq = ? WHERE mailbox = ? AND {condition}"  # noqa: S608
            row = (goal.system, goal.keywords, recorded.version, event.mailbox, *parameters)
            connection.execute(sql, row)
    _count(connection, recorded, event.mailbox, 0, Sum(0, 0, unseen, deleted))
    if event.mode != "remove":
        _note_keywords(connection, event.mailbox, {given.keywords})


def _gain(run: FlagRun, goal: Flags, bit: int) -> int:
    """The number of messages that lose the flag; negative when messages get it."""
    return (run.last - run.first + 1) * (bool(run.flags.system & bit) - bool(goal.system & bit))


def copied(connection: Connection, recorded: Recorded, event: events.MessagesCopied) -> None:
    """Apply message.copied."""
    total, words = Sum(), set[str]()
    for condition in conditions(event.uids):
        total, before = total.plus(_sum(connection, event.source, condition)), total.messages
        words |= _keywords(connection, event.source, condition)
        text, parameters = condition
        sql = _PLACE.format(entry=_COPIED_ENTRY, condition=text)
        head = (event.target, event.first_uid + before - 1, event.entries, before - 1, recorded.at, recorded.version)
        connection.execute(sql, (*head, event.source, *parameters))
    _count(connection, recorded, event.target, event.first_uid + total.messages, total)
    use(connection, event.account, total.size, total.messages)
    _note_keywords(connection, event.target, words)


def moved(connection: Connection, recorded: Recorded, event: events.MessagesMoved) -> None:
    """Apply message.moved."""
    total, words = Sum(), set[str]()
    for condition in conditions(event.uids):
        total, before = total.plus(_sum(connection, event.source, condition)), total.messages
        words |= _keywords(connection, event.source, condition)
        text, parameters = condition
        sql = _PLACE.format(entry="entry", condition=text)
        head = (event.target, event.first_uid + before - 1, recorded.at, recorded.version)
        connection.execute(sql, (*head, event.source, *parameters))
        connection.execute(f"DELETE FROM entry WHERE mailbox = ? AND {text}", (event.source, *parameters))  # noqa: S608
    _vanish(connection, recorded, event.source, event.uids)
    _count(connection, recorded, event.source, 0, total.negative())
    _count(connection, recorded, event.target, event.first_uid + total.messages, total)
    _note_keywords(connection, event.target, words)


def expunged(connection: Connection, recorded: Recorded, event: _Removal) -> None:
    """Apply message.expunged, message.expired and message.fetched_away."""
    total = Sum()
    removed.note(connection, recorded, event.account, event.mailbox, _CAUSES[type(event)])
    for condition in conditions(event.uids):
        total = total.plus(_sum(connection, event.mailbox, condition))
        removed.keep(connection, recorded, event.account, event.mailbox, condition)
        text, parameters = condition
        connection.execute(f"DELETE FROM entry WHERE mailbox = ? AND {text}", (event.mailbox, *parameters))  # noqa: S608
    _vanish(connection, recorded, event.mailbox, event.uids)
    _count(connection, recorded, event.mailbox, 0, total.negative())
    use(connection, event.account, -total.size, -total.messages)


def restored(connection: Connection, recorded: Recorded, event: MessagesRestored) -> None:
    """Apply message.restored."""
    total, words = Sum(), set[str]()
    for condition in conditions(event.uids):
        total, before = total.plus(_sum(connection, event.source, condition, "removed_entry")), total.messages
        words |= _keywords(connection, event.source, condition, "removed_entry")
        text, parameters = condition
        head = (event.target, event.first_uid + before - 1, recorded.at, recorded.version)
        connection.execute(_RESTORE.format(condition=text), (*head, event.source, *parameters))
        connection.execute(f"DELETE FROM removed_entry WHERE mailbox = ? AND {text}", (event.source, *parameters))  # noqa: S608
    total = total._replace(deleted=0)
    _count(connection, recorded, event.target, event.first_uid + total.messages, total)
    use(connection, event.account, total.size, total.messages)
    _note_keywords(connection, event.target, words)


def _sum(connection: Connection, mailbox: str, condition: Condition, table: str = "entry") -> Sum:
    text, parameters = condition
    sql = _SUM.format(table=table, condition=text)
    return Sum(*(connection.first_row(sql, (mailbox, *parameters)) or ()))


def _keywords(connection: Connection, mailbox: str, condition: Condition, table: str = "entry") -> set[str]:
    text, parameters = condition
    sql = f"SELECT DISTINCT keywords FROM {table} WHERE mailbox = ? AND {text} AND keywords <> ''"  # noqa: S608
    return {row[0] for row in connection.all(sql, (mailbox, *parameters))}


def _count(connection: Connection, recorded: Recorded, mailbox: str, uid_next: int, change: Sum) -> None:
    row = (uid_next, uid_next, change.messages, change.unseen, change.deleted, change.size, recorded.version, mailbox)
    connection.execute(_COUNT, row)


def _vanish(connection: Connection, recorded: Recorded, mailbox: str, uids: events.Uids) -> None:
    for rows in _chunks([(mailbox, recorded.version, first, last) for first, last in uids]):
        marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
        connection.execute(_VANISH + marks, [value for row in rows for value in row])


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Full chunks of rows, then single rows, so that there are only two distinct statements."""
    full = len(rows) // _ROWS_A_STATEMENT * _ROWS_A_STATEMENT
    yield from (rows[at : at + _ROWS_A_STATEMENT] for at in range(0, full, _ROWS_A_STATEMENT))
    yield from (rows[at : at + 1] for at in range(full, len(rows)))


def _note_keywords(connection: Connection, mailbox: str, keywords: Iterable[str]) -> None:
    for word in sorted({word for words in keywords if words for word in words.split()}):
        connection.execute(
            "INSERT INTO keyword (mailbox, keyword) VALUES (?, ?) ON CONFLICT (mailbox, keyword) DO NOTHING",
            (mailbox, word),
        )


FOLDS: dict[type, Callable[[Connection, Recorded, Any], None]] = {
    events.MessageDelivered: delivered,
    events.MessageAppended: appended,
    events.FlagsChanged: flags_changed,
    events.MessagesCopied: copied,
    events.MessagesMoved: moved,
    events.MessagesExpunged: expunged,
    MessagesExpired: expunged,
    MessagesFetchedAway: expunged,
    MessagesRestored: restored,
    RemovedForgotten: removed.forgotten,
}

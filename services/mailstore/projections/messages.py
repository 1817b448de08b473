"""Applies events about messages: one statement for a whole range, so that the database does the work and not Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from services.mailstore.domain.flags import DELETED, SEEN, Change, Flags, parse
from services.mailstore.domain.state import FlagRun
from services.mailstore.projections import all_mail, changes, removed
from services.mailstore.projections.changes import ChangedRange
from services.mailstore.projections.chosen import flag_runs
from services.mailstore.projections.conditions import LONG, conditions
from services.mailstore.projections.counters import Sum, count, keywords_of, note_keywords, sum_of, vanish
from services.mailstore.projections.current import source
from shared.events import mailbox as events
from shared.events.expiry import MessagesExpired
from shared.events.maildrop import MessagesFetchedAway
from shared.events.restoring import MessagesRestored, RemovedForgotten
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.protocol.imap.ranges import ranges

_KEPT = "blob, size, internal_date, zone"
_KEPT_TOO = "content, thread, system, keywords"
_ENTRY = f"mailbox, uid, entry, {_KEPT}, saved, {_KEPT_TOO}, modseq, prefix, queue_id"
_INSERT = f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_PLACE = (
    f"INSERT INTO entry ({_ENTRY}) SELECT CAST(? AS TEXT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid), "  # noqa: S608
    f"{{entry}}, {_KEPT}, CAST(? AS BIGINT), {_KEPT_TOO}, CAST(? AS BIGINT), prefix, queue_id"
    " FROM {source} WHERE mailbox = ? AND {condition} ORDER BY uid"
)
_RESTORE = (
    f"INSERT INTO entry ({_ENTRY}) SELECT CAST(? AS TEXT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid), "  # noqa: S608
    f"entry, {_KEPT}, CAST(? AS BIGINT), content, thread, system & ~{DELETED}, keywords, CAST(? AS BIGINT), prefix,"
    " queue_id FROM removed_entry WHERE mailbox = ? AND {condition} ORDER BY uid"
)
_COPIED_ENTRY = "CAST(? AS TEXT) || '.' || (CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid))"
_USE = "UPDATE account SET used = used + ?, messages = messages + ? WHERE account = ?"
_Removal = events.MessagesExpunged | MessagesExpired | MessagesFetchedAway
_CAUSES: dict[type[_Removal], str] = {
    events.MessagesExpunged: removed.EXPUNGED,
    MessagesExpired: removed.EXPIRED,
    MessagesFetchedAway: removed.FETCHED,
}


def use(connection: Connection, account: str, size: int, messages: int) -> str:
    """Change the counters of an account; returns the id of its All Mail mailbox, or an empty text.

    An account without one takes a single statement.
    """
    if connection.execute(f"{_USE} AND all_mail = ''", (size, messages, account)):
        return ""
    connection.execute(_USE, (size, messages, account))
    return all_mail.of_account(connection, account)


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
    count(connection, recorded, mailbox, entries[-1].uid + 1, total)
    if shown := use(connection, account, total.size, total.messages):
        all_mail.add(connection, recorded, shown, mailbox, ranges(entry.uid for entry in entries))
    note_keywords(connection, mailbox, {flag.keywords for flag in flags})


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
    """Apply message.flags_changed. All messages that it names get its version as their MODSEQ."""
    given = parse(event.flags)
    change = Change(event.mode, given)
    shown = all_mail.of_account(connection, event.account)
    left, unseen, deleted = event.uids, 0, 0
    if not shown:
        left = tuple(
            span for span in event.uids if not _change_whole(connection, recorded, event.mailbox, span, change)
        )
    changed: list[ChangedRange] = []
    targets: defaultdict[Flags, list[tuple[int, int]]] = defaultdict(list)
    after: dict[Flags, Flags] = {}
    for run in flag_runs(connection, event.mailbox, left, None):
        goal = after.get(run.flags) or after.setdefault(run.flags, change.applied(run.flags))
        changed.append(ChangedRange(run.first, run.last, goal.system, goal.keywords, recorded.version))
        targets[goal].append((run.first, run.last))
        unseen += _gain(run, goal, SEEN)
        deleted -= _gain(run, goal, DELETED)
    changes.note(connection, event.mailbox, changed)
    count(connection, recorded, event.mailbox, 0, Sum(0, 0, unseen, deleted))
    if shown:
        all_mail.change_flags(connection, recorded, shown, event.mailbox, targets)
    if event.mode != "remove":
        note_keywords(connection, event.mailbox, {given.keywords})


def _change_whole(
    connection: Connection, recorded: Recorded, mailbox: str, span: tuple[int, int], change: Change
) -> bool:
    """Change many messages in place, whose flags differ; False when their ranges must be read.

    As long as different flags stay different, the ranges stay as they are.
    """
    if span[1] - span[0] < LONG or (counts := changes.counted(connection, mailbox, *span)) is None:
        return False
    goals = {flags[:2]: change.applied(Flags(*flags[:2])) for flags in counts}
    if len(set(goals.values())) < len(goals):
        return False
    unseen = deleted = 0
    for flags in counts:
        run = FlagRun(1, flags.messages, Flags(*flags[:2]), is_newer=False)
        unseen += _gain(run, goals[flags[:2]], SEEN)
        deleted -= _gain(run, goals[flags[:2]], DELETED)
    named = {before: (goal.system, goal.keywords) for before, goal in goals.items()}
    changes.change(connection, mailbox, span, named, recorded.version)
    count(connection, recorded, mailbox, 0, Sum(0, 0, unseen, deleted))
    return True


def _gain(run: FlagRun, goal: Flags, bit: int) -> int:
    """The number of messages that lose the flag; negative when messages get it."""
    return (run.last - run.first + 1) * (bool(run.flags.system & bit) - bool(goal.system & bit))


def copied(connection: Connection, recorded: Recorded, event: events.MessagesCopied) -> None:
    """Apply message.copied."""
    total, words = Sum(), set[str]()
    for condition in conditions(event.uids):
        total, before = total.plus(sum_of(connection, event.source, condition)), total.messages
        words |= keywords_of(connection, event.source, condition)
        text, parameters = condition
        sql = _PLACE.format(entry=_COPIED_ENTRY, source=source(connection, event.source), condition=text)
        head = (event.target, event.first_uid + before - 1, event.entries, before - 1, recorded.at, recorded.version)
        connection.execute(sql, (*head, event.source, *parameters))
    count(connection, recorded, event.target, event.first_uid + total.messages, total)
    _show_arrived(connection, recorded, event, total)
    note_keywords(connection, event.target, words)


def _show_arrived(
    connection: Connection, recorded: Recorded, event: events.MessagesCopied | MessagesRestored, total: Sum
) -> None:
    """Count the messages of an account, and show those that are new in a mailbox in its All Mail mailbox."""
    if shown := use(connection, event.account, total.size, total.messages):
        uids = ((event.first_uid, event.first_uid + total.messages - 1),)
        all_mail.add(connection, recorded, shown, event.target, uids)


def moved(connection: Connection, recorded: Recorded, event: events.MessagesMoved) -> None:
    """Apply message.moved."""
    total, words = Sum(), set[str]()
    shown = all_mail.of_account(connection, event.account)
    was_shown = shown and all_mail.shows(connection, shown, event.source)
    if was_shown:
        all_mail.move(connection, recorded, shown, event.source, event.target, event.uids, event.first_uid)
    for condition in conditions(event.uids):
        total, before = total.plus(sum_of(connection, event.source, condition)), total.messages
        words |= keywords_of(connection, event.source, condition)
        text, parameters = condition
        sql = _PLACE.format(entry="entry", source=source(connection, event.source), condition=text)
        head = (event.target, event.first_uid + before - 1, recorded.at, recorded.version)
        connection.execute(sql, (*head, event.source, *parameters))
        connection.execute(f"DELETE FROM entry WHERE mailbox = ? AND {text}", (event.source, *parameters))  # noqa: S608
        changes.forget(connection, event.source, condition)
    vanish(connection, recorded, event.source, event.uids)
    count(connection, recorded, event.source, 0, total.negative())
    count(connection, recorded, event.target, event.first_uid + total.messages, total)
    if shown and not was_shown:
        uids = ((event.first_uid, event.first_uid + total.messages - 1),)
        all_mail.add(connection, recorded, shown, event.target, uids)
    note_keywords(connection, event.target, words)


def expunged(connection: Connection, recorded: Recorded, event: _Removal) -> None:
    """Apply message.expunged, message.expired and message.fetched_away."""
    total = Sum()
    removed.note(connection, recorded, event.account, event.mailbox, _CAUSES[type(event)])
    if shown := all_mail.of_account(connection, event.account):
        all_mail.remove(connection, recorded, shown, event.mailbox, event.uids)
    for condition in conditions(event.uids):
        total = total.plus(sum_of(connection, event.mailbox, condition))
        removed.keep(connection, recorded, event.account, event.mailbox, condition)
        text, parameters = condition
        connection.execute(f"DELETE FROM entry WHERE mailbox = ? AND {text}", (event.mailbox, *parameters))  # noqa: S608
        changes.forget(connection, event.mailbox, condition)
    vanish(connection, recorded, event.mailbox, event.uids)
    count(connection, recorded, event.mailbox, 0, total.negative())
    use(connection, event.account, -total.size, -total.messages)


def restored(connection: Connection, recorded: Recorded, event: MessagesRestored) -> None:
    """Apply message.restored."""
    total, words = Sum(), set[str]()
    for condition in conditions(event.uids):
        total, before = total.plus(sum_of(connection, event.source, condition, "removed_entry")), total.messages
        words |= keywords_of(connection, event.source, condition, "removed_entry")
        text, parameters = condition
        head = (event.target, event.first_uid + before - 1, recorded.at, recorded.version)
        connection.execute(_RESTORE.format(condition=text), (*head, event.source, *parameters))
        connection.execute(f"DELETE FROM removed_entry WHERE mailbox = ? AND {text}", (event.source, *parameters))  # noqa: S608
    total = total._replace(deleted=0)
    count(connection, recorded, event.target, event.first_uid + total.messages, total)
    _show_arrived(connection, recorded, event, total)
    note_keywords(connection, event.target, words)


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

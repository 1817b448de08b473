"""Keeps the All Mail mailbox of accounts that have one: a row for each message that it shows, with its own UID.

Every change of a message in its own mailbox changes its row here with the same event. Only the projection of mailboxes
uses this module. An account without the mailbox costs nothing, because its row names none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.domain.flags import Flags
from services.mailstore.projections import changes
from services.mailstore.projections.changes import ChangedRange
from services.mailstore.projections.conditions import Condition, conditions
from services.mailstore.projections.counters import Sum, count, keywords_of, note_keywords, sum_of, vanish
from services.mailstore.projections.current import source
from shared.events.mailbox import Uids
from shared.eventstore.connection import Connection, Reader
from shared.eventstore.event import Recorded
from shared.protocol.imap.ranges import ranges

EVERY_UID: Uids = ((1, 1 << 40),)
_KEPT = "entry, blob, size, internal_date, zone"
_KEPT_TOO = "content, thread, system, keywords"
_SHOW = (
    f"INSERT INTO entry (mailbox, uid, {_KEPT}, saved, {_KEPT_TOO}, modseq, prefix, queue_id)"  # noqa: S608
    " SELECT CAST(? AS TEXT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid), "
    f"{_KEPT}, CAST(? AS BIGINT), {_KEPT_TOO}, CAST(? AS BIGINT), prefix, queue_id"
    " FROM {source} WHERE mailbox = ? AND {condition} ORDER BY uid"
)
_LINK = (
    "INSERT INTO all_mail_link (mailbox, uid, all_mail, all_uid) SELECT mailbox, uid, CAST(? AS TEXT),"
    " CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid) FROM entry WHERE mailbox = ? AND {condition}"
)
_RELINK = (
    "INSERT INTO all_mail_link (mailbox, uid, all_mail, all_uid)"
    " SELECT CAST(? AS TEXT), moved.new_uid, link.all_mail, link.all_uid FROM"
    " (SELECT uid, CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid) AS new_uid FROM entry"
    " WHERE mailbox = ? AND {condition}) AS moved"
    " JOIN all_mail_link AS link ON link.mailbox = ? AND link.uid = moved.uid"
)
_SHOWN = "uid IN (SELECT all_uid FROM all_mail_link WHERE mailbox = ? AND {condition})"


def of_account(reader: Reader, account: str) -> str:
    """The id of the account's All Mail mailbox, or empty."""
    row = reader.first_row("SELECT all_mail FROM account WHERE account = ?", (account,))
    return str(row[0]) if row else ""


def shows(reader: Reader, all_mail: str, mailbox: str) -> bool:
    """Whether the messages of a mailbox are shown in All Mail."""
    row = reader.first_row(
        "SELECT mailbox.special_use, all_mailbox.without FROM mailbox, all_mailbox"
        " WHERE mailbox.id = ? AND all_mailbox.mailbox = ?",
        (mailbox, all_mail),
    )
    return row is not None and mailbox != all_mail and (not row[0] or row[0] not in row[1].split())


def add(connection: Connection, recorded: Recorded, all_mail: str, mailbox: str, uids: Uids) -> None:
    """Show messages that have come into a mailbox."""
    if not shows(connection, all_mail, mailbox):
        return
    row = connection.first_row("SELECT uid_next FROM mailbox WHERE id = ?", (all_mail,))
    first = row[0] if row else 1
    total, words = Sum(), set[str]()
    for condition in conditions(uids):
        base = first + total.messages - 1
        total = total.plus(sum_of(connection, mailbox, condition))
        words |= keywords_of(connection, mailbox, condition)
        text, parameters = condition
        head = (all_mail, base, recorded.at, recorded.version)
        sql = _SHOW.format(source=source(connection, mailbox), condition=text)
        connection.execute(sql, (*head, mailbox, *parameters))
        connection.execute(_LINK.format(condition=text), (all_mail, base, mailbox, *parameters))
    count(connection, recorded, all_mail, first + total.messages, total)
    note_keywords(connection, all_mail, words)


def remove(connection: Connection, recorded: Recorded, all_mail: str, mailbox: str, uids: Uids) -> None:
    """Show messages no more, before they leave a mailbox."""
    total, gone = Sum(), list[int]()
    for condition in conditions(uids):
        text, parameters = condition
        links = f"FROM all_mail_link WHERE mailbox = ? AND {text}"
        gone += [uid for first, last in _shown_uids(connection, mailbox, condition) for uid in range(first, last + 1)]
        shown = _shown(mailbox, condition)
        total = total.plus(sum_of(connection, all_mail, shown))
        connection.execute(f"DELETE FROM entry WHERE mailbox = ? AND {shown[0]}", (all_mail, *shown[1]))  # noqa: S608
        connection.execute(f"DELETE {links}", (mailbox, *parameters))
    if gone:
        vanish(connection, recorded, all_mail, ranges(sorted(gone)))
        for condition in conditions(ranges(sorted(gone))):
            changes.forget(connection, all_mail, condition)
        count(connection, recorded, all_mail, 0, total.negative())


def move(
    connection: Connection, recorded: Recorded, all_mail: str, source: str, target: str, uids: Uids, first_uid: int
) -> None:
    """Follow messages to another mailbox, before they leave the first one; they are not there yet.

    Their UIDs in All Mail stay, unless All Mail shows only one of the mailboxes.
    """
    if not shows(connection, all_mail, target):
        remove(connection, recorded, all_mail, source, uids)
        return
    before = 0
    for condition in conditions(uids):
        text, parameters = condition
        relinked = (target, first_uid + before - 1, source, *parameters, source)
        connection.execute(_RELINK.format(condition=text), relinked)
        before += sum_of(connection, source, condition).messages
        connection.execute(f"DELETE FROM all_mail_link WHERE mailbox = ? AND {text}", (source, *parameters))  # noqa: S608


def change_flags(
    connection: Connection,
    recorded: Recorded,
    all_mail: str,
    mailbox: str,
    flags: Mapping[Flags, Sequence[tuple[int, int]]],
) -> None:
    """Give shown messages the flags that they have in their mailbox."""
    change, words, touched = Sum(), set[str](), 0
    for goal, spans in flags.items():
        for condition in conditions(spans):
            text, parameters = _shown(mailbox, condition)
            before = sum_of(connection, all_mail, (text, parameters))
            uids = _shown_uids(connection, mailbox, condition)
            touched += len(uids)
            its = goal.system, goal.keywords, recorded.version
            changes.note(connection, all_mail, [ChangedRange(first, last, *its) for first, last in uids])
            change = change.plus(before.negative()).plus(sum_of(connection, all_mail, (text, parameters)))
        words |= {goal.keywords}
    if touched:
        count(connection, recorded, all_mail, 0, change)
        note_keywords(connection, all_mail, words)


def end(connection: Connection, account: str, all_mail: str) -> None:
    """Remove the mailbox; the messages stay in theirs."""
    for table in ("entry", "vanished", "changed", "keyword"):
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (all_mail,))  # noqa: S608
    connection.execute("DELETE FROM all_mail_link WHERE all_mail = ?", (all_mail,))
    connection.execute("DELETE FROM mailbox WHERE id = ?", (all_mail,))
    connection.execute("DELETE FROM all_mailbox WHERE mailbox = ?", (all_mail,))
    connection.execute("UPDATE account SET all_mail = '' WHERE account = ?", (account,))


def _shown_uids(connection: Connection, mailbox: str, condition: Condition) -> Uids:
    """The UIDs in All Mail of messages of another mailbox."""
    text, parameters = condition
    sql = f"SELECT all_uid FROM all_mail_link WHERE mailbox = ? AND {text}"  # noqa: S608
    return ranges(sorted(row[0] for row in connection.all(sql, (mailbox, *parameters))))


def _shown(mailbox: str, condition: Condition) -> Condition:
    """The condition for the rows in All Mail of messages of another mailbox."""
    text, parameters = condition
    return _SHOWN.format(condition=text), (mailbox, *parameters)


def all_mail_tables(metadata: MetaData) -> Sequence[Table]:
    """Declare the tables."""
    return _all_mailbox(metadata), _all_mail_link(metadata)


def _all_mailbox(metadata: MetaData) -> Table:
    return Table(
        "all_mailbox",
        metadata,
        Column("mailbox", Text, primary_key=True),
        Column("without", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _all_mail_link(metadata: MetaData) -> Table:
    """Each shown message by its own mailbox and UID, with its UID in All Mail."""
    return Table(
        "all_mail_link",
        metadata,
        Column("mailbox", Text),
        Column("uid", BigInteger),
        Column("all_mail", Text, nullable=False),
        Column("all_uid", BigInteger, nullable=False),
        PrimaryKeyConstraint("mailbox", "uid"),
        Index("all_mail_link_uid", "all_mail", "all_uid"),
        sqlite_with_rowid=False,
    )

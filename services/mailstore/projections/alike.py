"""Changes flags of many messages with one statement that does not read them: system flags, or all flags replaced."""

from __future__ import annotations

from services.mailstore.domain.flags import DELETED, SEEN, Flags
from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.counters import Sum, count, sum_of
from shared.events.mailbox import Uids
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_COUNTED = SEEN | DELETED


def change_alike(connection: Connection, recorded: Recorded, mailbox: str, uids: Uids, mode: str, given: Flags) -> None:
    """Change the flags of messages, and the counters of their mailbox.

    The messages are counted only when \\Seen or \\Deleted may change. Keywords are only replaced.
    """
    setting, values = _setting(mode, given)
    change = Sum()
    for condition in conditions(uids):
        text, parameters = condition
        if mode == "replace" or given.system & _COUNTED:
            change = change.plus(_gain(sum_of(connection, mailbox, condition), mode, given.system))
        sql = f"UPDATE entry SET {setting}, modseq = ? WHERE mailbox = ? AND {text}"  # noqa: S608
        connection.execute(sql, (*values, recorded.version, mailbox, *parameters))
    count(connection, recorded, mailbox, 0, change)


def _setting(mode: str, given: Flags) -> tuple[str, tuple[int | str, ...]]:
    if mode == "replace":
        return "system = ?, keywords = ?", (given.system, given.keywords)
    if mode == "add":
        return "system = system | CAST(? AS INTEGER)", (given.system,)
    return "system = system & CAST(? AS INTEGER)", (~given.system,)


def _gain(before: Sum, mode: str, system: int) -> Sum:
    """The change of the counters; `before` are those of the messages."""
    unseen, deleted = before.unseen, before.deleted
    if mode == "replace" or system & SEEN:
        unseen = 0 if mode != "remove" and system & SEEN else before.messages
    if mode == "replace" or system & DELETED:
        deleted = before.messages if mode != "remove" and system & DELETED else 0
    return Sum(0, 0, unseen - before.unseen, deleted - before.deleted)

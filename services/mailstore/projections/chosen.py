"""Reads the messages of UID ranges as runs.

Consecutive messages that are equal become one row, so that a command on thousands of messages passes little data from
the database to Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from services.mailstore.domain.flags import DELETED, Flags
from services.mailstore.domain.state import FlagRun, Messages
from services.mailstore.projections import current
from services.mailstore.projections.conditions import RANGE, Condition, conditions
from services.mailstore.projections.current import CurrentRun
from shared.eventstore.connection import Reader
from shared.protocol.imap.ranges import Ranges, count, joined

FEW = 200
"""Up to this number, messages are read row by row, because window functions would cost more."""
_ALL = 1 << 62
_SIZED_RUNS = (
    "SELECT min(uid), max(uid), CAST(sum(size) AS BIGINT) FROM"
    " (SELECT uid, size, uid - row_number() OVER (ORDER BY uid) AS run FROM ({chosen}) AS chosen) AS numbered"
    " GROUP BY run ORDER BY 1"
)
_NEXT = "SELECT min(uid) FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"


def messages(reader: Reader, mailbox: str, uids: Ranges, *, deleted: bool = False, most: int = _ALL) -> Messages:
    """The existing messages in the ranges, ascending, at most `most`; with `deleted` only those marked \\Deleted."""
    only = f" AND (system & {DELETED}) <> 0" if deleted else ""
    table = current.source(reader, mailbox) if deleted else "entry"
    few = count(uids) <= FEW
    result: list[tuple[int, int]] = []
    size, left = 0, most
    for condition, parameters in conditions(uids):
        chosen = (
            f"SELECT uid, uid AS last, size FROM {table} WHERE mailbox = ? AND {condition}{only} ORDER BY uid LIMIT ?"  # noqa: S608
        )
        rows = reader.all(chosen if few else _SIZED_RUNS.format(chosen=chosen), (mailbox, *parameters, left))
        runs = joined((first, last) for first, last, _ in rows)
        result += runs
        size += sum(octets for _, _, octets in rows)
        left -= count(runs)
        if left <= 0:
            break
    return Messages(joined(result), size)


def number(reader: Reader, mailbox: str, uids: Ranges) -> int:
    """The number of existing messages in the ranges."""
    total = 0
    for condition, parameters in conditions(uids):
        row = reader.first_row(f"SELECT count(*) FROM entry WHERE mailbox = ? AND {condition}", (mailbox, *parameters))  # noqa: S608
        total += row[0] if row else 0
    return total


def flag_runs(reader: Reader, mailbox: str, uids: Ranges, since: int | None, most: int = _ALL) -> list[FlagRun]:
    """The flags of the existing messages, ascending, at most `most`.

    `since` is the version after which a message counts as newer.
    """
    version = _ALL if since is None else since
    result: list[CurrentRun] = []
    left = most
    for condition in conditions(uids):
        result += _runs(reader, mailbox, condition, version, left)
        left = most - current.size_of(result)
        if left <= 0:
            break
    flags: dict[tuple[int, str], Flags] = {}
    return [
        FlagRun(run[0], run[1], flags.get(run[2:4]) or flags.setdefault(run[2:4], run.flags), bool(run[4]))
        for run in (_cut(result, most) if left < 0 else result)
    ]


def _runs(reader: Reader, mailbox: str, condition: Condition, version: int, most: int) -> list[CurrentRun]:
    """The messages for one condition; reading ends at `most` of them."""
    text, parameters = condition
    if text != RANGE:
        return current.runs_of(reader, mailbox, condition, version)
    begin, end = (int(bound) for bound in parameters)
    result: list[CurrentRun] = []
    left = most
    while left > 0 and (row := reader.first_row(_NEXT, (mailbox, begin, end))) and row[0] is not None:
        last = min(end, row[0] + max(left, FEW) - 1)
        result += current.runs_between(reader, mailbox, row[0], last, version)
        left = most - current.size_of(result)
        begin = last + 1
    return result


def _cut(runs: Sequence[CurrentRun], most: int) -> Iterator[CurrentRun]:
    """The first `most` messages."""
    left = most
    for run in runs:
        if left <= 0:
            return
        yield run._replace(last=min(run.last, run.first + left - 1))
        left -= run.last - run.first + 1


def bodies(reader: Reader, mailbox: str, uids: Ranges) -> tuple[str, ...]:
    """The blob ids of the existing messages, in the order of UIDs."""
    result: list[str] = []
    for condition, parameters in conditions(uids):
        sql = f"SELECT blob FROM entry WHERE mailbox = ? AND {condition} ORDER BY uid"  # noqa: S608
        result += [row[0] for row in reader.all(sql, (mailbox, *parameters))]
    return tuple(result)


def new_keywords(reader: Reader, mailbox: str, words: Set[str]) -> tuple[int, int]:
    """The number of keywords of a mailbox, and how many of these words are not among them."""
    row = reader.first_row("SELECT count(*) FROM keyword WHERE mailbox = ?", (mailbox,))
    known = int(row[0]) if row else 0
    sql = "SELECT 1 FROM keyword WHERE mailbox = ? AND keyword = ?"
    return known, sum(reader.first_row(sql, (mailbox, word)) is None for word in words)


def keywords_of(reader: Reader, mailbox: str, uids: Ranges, most: int, *, table: str = "") -> frozenset[str]:
    """The distinct keywords of messages, or of removed ones from their `table`; reading ends above `most`."""
    words: set[str] = set()
    rows_of = table or current.source(reader, mailbox)
    for condition, parameters in conditions(uids):
        sql = f"SELECT DISTINCT keywords FROM {rows_of} WHERE mailbox = ? AND {condition} AND keywords <> ''"  # noqa: S608
        for row in reader.all(sql, (mailbox, *parameters)):
            words.update(row[0].split())
            if len(words) > most:
                return frozenset(words)
    return frozenset(words)

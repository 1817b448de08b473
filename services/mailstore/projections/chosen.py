"""Reads the messages of UID ranges as runs.

Consecutive messages that are equal become one row, so that a command on thousands of messages passes little data from
the database to Python.
"""

from __future__ import annotations

from collections.abc import Set

from services.mailstore.domain.flags import DELETED, Flags
from services.mailstore.domain.state import FlagRun, Messages
from services.mailstore.projections.conditions import conditions
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
_FLAG_RUNS = (
    "SELECT min(uid), max(uid), system, keywords, newer FROM (SELECT uid, system, keywords, newer,"
    " uid - row_number() OVER (PARTITION BY system, keywords, newer ORDER BY uid) AS run FROM ({chosen}) AS chosen)"
    " AS numbered GROUP BY system, keywords, newer, run ORDER BY 1"
)


def messages(reader: Reader, mailbox: str, uids: Ranges, *, deleted: bool = False, most: int = _ALL) -> Messages:
    """The existing messages in the ranges, ascending, at most `most`; with `deleted` only those marked \\Deleted."""
    only = f" AND (system & {DELETED}) <> 0" if deleted else ""
    few = count(uids) <= FEW
    result: list[tuple[int, int]] = []
    size, left = 0, most
    for condition, parameters in conditions(uids):
        chosen = (
            f"SELECT uid, uid AS last, size FROM entry WHERE mailbox = ? AND {condition}{only} ORDER BY uid LIMIT ?"  # noqa: S608
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
    few = count(uids) <= FEW
    newer = "CASE WHEN modseq > ? THEN 1 ELSE 0 END AS newer"
    result: list[FlagRun] = []
    left = most
    for condition, parameters in conditions(uids):
        chosen = (
            f"SELECT uid, uid AS last, system, keywords, {newer} FROM entry WHERE mailbox = ? AND {condition}"  # noqa: S608
            " ORDER BY uid LIMIT ?"
        )
        rows = reader.all(chosen if few else _FLAG_RUNS.format(chosen=chosen), (version, mailbox, *parameters, left))
        runs = [
            FlagRun(first, last, Flags(system, keywords), bool(is_newer))
            for first, last, system, keywords, is_newer in rows
        ]
        result += runs
        left -= sum(run.last - run.first + 1 for run in runs)
        if left <= 0:
            break
    return result


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


def keywords_of(reader: Reader, mailbox: str, uids: Ranges, most: int, *, table: str = "entry") -> frozenset[str]:
    """The distinct keywords of messages, or of removed ones from their `table`; reading ends above `most`."""
    words: set[str] = set()
    for condition, parameters in conditions(uids):
        sql = f"SELECT DISTINCT keywords FROM {table} WHERE mailbox = ? AND {condition} AND keywords <> ''"  # noqa: S608
        for row in reader.all(sql, (mailbox, *parameters)):
            words.update(row[0].split())
            if len(words) > most:
                return frozenset(words)
    return frozenset(words)

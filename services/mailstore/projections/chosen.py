"""Reads the messages of UID ranges as runs.

Consecutive messages that are equal become one row, so that a command on thousands of messages passes little data from
the database to Python.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from services.mailstore.domain.flags import DELETED, Flags
from services.mailstore.domain.state import FlagRun, Messages
from services.mailstore.projections.conditions import RANGE, conditions
from shared.eventstore.connection import Reader, Row
from shared.protocol.imap.ranges import Ranges, count, joined

FEW = 200
"""Up to this number, messages are read row by row, because window functions would cost more."""
_ALL = 1 << 62
_SIZED_RUNS = (
    "SELECT min(uid), max(uid), CAST(sum(size) AS BIGINT) FROM"
    " (SELECT uid, size, uid - row_number() OVER (ORDER BY uid) AS run FROM ({chosen}) AS chosen) AS numbered"
    " GROUP BY run ORDER BY 1"
)
_FLAGS_OF = "uid, system, keywords, CASE WHEN modseq > ? THEN 1 ELSE 0 END AS newer"
_FIRST = f"SELECT {_FLAGS_OF} FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT 1"  # noqa: S608
_OTHER = (
    "SELECT 1 FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND NOT (system = ? AND keywords = ?"
    " AND CASE WHEN modseq > ? THEN 1 ELSE 0 END = ?) LIMIT 1"
)
_EXTENT = "SELECT max(uid), count(*) FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"


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
    result: list[FlagRun] = []
    left = most
    for condition, parameters in conditions(uids):
        runs = _alike(reader, mailbox, parameters, version, left) if condition == RANGE and not few else None
        if runs is None:
            sql = f"SELECT {_FLAGS_OF} FROM entry WHERE mailbox = ? AND {condition} ORDER BY uid LIMIT ?"  # noqa: S608
            runs = _runs(reader.all(sql, (version, mailbox, *parameters, left)))
        result += runs
        left -= sum(run.last - run.first + 1 for run in runs)
        if left <= 0:
            break
    return result


def _alike(
    reader: Reader, mailbox: str, bounds: tuple[int | str, ...], version: int, most: int
) -> list[FlagRun] | None:
    """The messages of a range as one run, when they have no gaps and equal flags, as in most mailboxes; else None.

    Rows would cost five times as much, and window functions, which find the runs of all messages, twenty times.
    """
    begin, end = bounds
    row = reader.first_row(_FIRST, (version, mailbox, begin, end))
    if row is None:
        return []
    first, system, keywords, newer = row
    end = min(int(end), first + most - 1)
    if reader.first_row(_OTHER, (mailbox, first, end, system, keywords, version, newer)):
        return None
    last, messages = reader.first_row(_EXTENT, (mailbox, first, end)) or (first, 0)
    # Behind a full range there may be more messages only when it was cut to `most`, which ends the reading.
    is_run = last - first + 1 == messages and (end == bounds[1] or messages == most)
    return [FlagRun(first, last, Flags(system, keywords), bool(newer))] if is_run else None


def _runs(rows: Sequence[Row]) -> list[FlagRun]:
    """Rows of ascending messages, neighbours with equal flags together."""
    runs: list[FlagRun] = []
    first = last = 0
    state: tuple[int, str, int] | None = None
    for uid, system, keywords, newer in rows:
        if uid != last + 1 or (system, keywords, newer) != state:
            if state is not None:
                runs.append(_run(first, last, *state))
            first, state = uid, (system, keywords, newer)
        last = uid
    return [*runs, _run(first, last, *state)] if state is not None else runs


def _run(first: int, last: int, system: int, keywords: str, newer: int) -> FlagRun:
    return FlagRun(first, last, Flags(system, keywords), bool(newer))


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

"""Reads about mailboxes, from rows, a page at a time.

The work of a question about new mail does not grow with the mailbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from services.mailstore.domain.flags import SEEN, Flags
from services.mailstore.projections import changes, current
from services.mailstore.projections.conditions import RANGE, conditions
from services.mailstore.projections.current import CurrentRun
from shared.eventstore.connection import Reader
from shared.protocol.imap.ranges import Ranges, count

T = TypeVar("T")
PAGE = 1000
"""The most rows that one read returns, which takes some milliseconds."""
_TRIES = 3

# One statement, so that count and ends belong to one state of the mailbox while others write.
_EXTENT = (
    "SELECT messages, (SELECT min(uid) FROM entry WHERE entry.mailbox = mailbox.id), (SELECT max(uid) FROM entry "
    "WHERE entry.mailbox = mailbox.id)"
    " FROM mailbox WHERE id = ?"
)
_HEAD_SIZE = 16
"""Messages whose flags are read one by one, because many mailboxes have an unseen message near the start."""
_HEAD = (
    "SELECT uid, system, keywords, modseq FROM entry WHERE mailbox = ? AND uid >= ?"  # noqa: S608
    f" ORDER BY uid LIMIT {_HEAD_SIZE}"
)
_PAGE_END = (
    "SELECT max(uid), count(*) FROM (SELECT uid FROM entry WHERE mailbox = ? AND uid >= ? ORDER BY uid"  # noqa: S608
    f" LIMIT {PAGE}) AS page"
)
_UNSEEN = "SELECT uid FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND (system & 1) = 0 ORDER BY uid LIMIT 1"
_VANISHED = (
    "SELECT modseq, first, last FROM vanished WHERE mailbox = ? AND (modseq, first) > (?, ?) AND modseq <= ?"
    " AND first < ? ORDER BY modseq, first LIMIT ?"
)


class ChangedFlags(NamedTuple):
    """A message whose flags changed."""

    uid: int
    flags: tuple[str, ...]
    modseq: int


class FlagRunAt(NamedTuple):
    """Messages with consecutive UIDs and the same flags and MODSEQ."""

    first: int
    last: int
    flags: tuple[str, ...]
    modseq: int


class Gone(NamedTuple):
    """UIDs that left a mailbox with one change."""

    modseq: int
    first: int
    last: int


def version_of(reader: Reader, account: str) -> int:
    """The version of the account's stream: the MODSEQ of its last change."""
    row = reader.first_row("SELECT version FROM stream WHERE stream = ?", (account,))
    return row[0] if row else 0


def in_single_version(reader: Reader, account: str, ask: Callable[[int], T]) -> T:
    """Ask several statements for one version of an account; ask again when another commit came in between.

    When commits never pause, the last answer is used: changes after its version are returned by the next question.
    """
    version = version_of(reader, account)
    for _ in range(_TRIES):
        answer = ask(version)
        before, version = version, version_of(reader, account)
        if before == version:
            break
    return answer


def whole(reader: Reader, mailbox: str) -> Ranges | None:
    """All UIDs of a mailbox without gaps, from three look-ups; None when the mailbox has gaps."""
    row = reader.first_row(_EXTENT, (mailbox,))
    messages, first, last = row or (0, None, None)
    if first is None:
        return ()
    return ((first, last),) if last - first + 1 == messages else None


def uids(reader: Reader, mailbox: str, first: int, below: int) -> list[int]:
    """A page of UIDs from `first` on and below `below`."""
    sql = f"SELECT uid FROM entry WHERE mailbox = ? AND uid >= ? AND uid < ? ORDER BY uid LIMIT {PAGE}"  # noqa: S608
    return [row[0] for row in reader.all(sql, (mailbox, first, below))]


def first_unseen(reader: Reader, mailbox: str, first: int) -> tuple[int, int]:
    """The lowest UID without \\Seen in a page from `first` on, or 0; and the start of the next page, or 0."""
    head = current.page_now(reader, mailbox, reader.all(_HEAD, (mailbox, first)))
    if unseen := next((row[0] for row in head if not row[1] & SEEN), 0):
        return unseen, 0
    if len(head) < _HEAD_SIZE:
        return 0, 0
    first = head[-1][0] + 1
    last, size = reader.first_row(_PAGE_END, (mailbox, first)) or (0, 0)
    following = last + 1 if size == PAGE else 0
    if size and changes.overlaps(reader, mailbox, first, last):
        runs = current.runs_between(reader, mailbox, first, last, changes.ALL)
        return next(((run.first, 0) for run in runs if not run.system & SEEN), (0, following))
    # The page is read only up to the first unseen message.
    row = reader.first_row(_UNSEEN, (mailbox, first, last))
    return (row[0], 0) if row is not None else (0, following)


def keywords(reader: Reader, mailbox: str) -> tuple[str, ...]:
    """All keywords that were ever used in a mailbox."""
    return tuple(
        row[0] for row in reader.all("SELECT keyword FROM keyword WHERE mailbox = ? ORDER BY keyword", (mailbox,))
    )


def other_keywords(reader: Reader, mailbox: str, known: int) -> tuple[str, ...]:
    """The keywords of a mailbox when they differ from the `known` ones. A keyword never leaves a mailbox."""
    row = reader.first_row("SELECT count(*) FROM keyword WHERE mailbox = ?", (mailbox,))
    return keywords(reader, mailbox) if row and row[0] != known else ()


def vanished(reader: Reader, mailbox: str, after: tuple[int, int], until: int, below: int) -> list[Gone]:
    """A page of the UIDs that left a mailbox after (MODSEQ, first UID) and up to a version, below a UID."""
    rows = reader.all(_VANISHED, (mailbox, *after, until, below, PAGE))
    return [Gone(modseq, first, min(last, below - 1)) for modseq, first, last in rows]


def changed(reader: Reader, mailbox: str, since: int, until: int, below: int) -> list[ChangedFlags] | None:
    """The flags of messages below a UID that changed after `since` up to `until`; None when they exceed a page."""
    spans = _few(changes.since(reader, mailbox, since, below, PAGE))
    return None if spans is None else flags_of(reader, mailbox, spans, until)


def changed_uids(reader: Reader, mailbox: str, since: int, below: int) -> Ranges:
    """The UIDs of all messages that came or changed after `since`, however many, and of some that are gone; for a read
    beside the event loop."""
    return changes.since(reader, mailbox, since, below) or ()


def few_changed_uids(reader: Reader, mailbox: str, since: int) -> Ranges | None:
    """The UIDs of messages that came or changed after a version; None when they exceed a page."""
    return _few(changes.since(reader, mailbox, since, 1 << 40, PAGE))


def _few(spans: Ranges | None) -> Ranges | None:
    return spans if spans is not None and count(spans) <= PAGE else None


def flags_of(reader: Reader, mailbox: str, spans: Ranges, until: int = 1 << 62) -> list[ChangedFlags]:
    """The flags of messages in UID ranges that did not change after a version, in ascending order."""
    changes: list[ChangedFlags] = []
    source = current.source(reader, mailbox)
    for condition, parameters in conditions(spans):
        rows = f"SELECT uid, system, keywords, modseq FROM {source} WHERE mailbox = ? AND {condition}"  # noqa: S608
        sql = f"{rows} AND modseq <= ? ORDER BY uid"
        changes += _flags(reader.all(sql, (mailbox, *parameters, until)))
    return changes


def flag_runs(reader: Reader, mailbox: str, spans: Ranges, *, by_modseq: bool = True) -> list[FlagRunAt]:
    """The flags of messages in UID ranges, in ascending order; neighbours with equal ones are a run.

    Not `by_modseq`: a run has the highest MODSEQ of its messages.
    """
    since = None if by_modseq else changes.ALL
    runs: list[CurrentRun] = []
    for condition in conditions(spans):
        text, bounds = condition
        if text == RANGE:
            runs += current.runs_between(reader, mailbox, int(bounds[0]), int(bounds[1]), since)
        else:
            runs += current.runs_of(reader, mailbox, condition, since)
    return [FlagRunAt(run.first, run.last, run.flags.names(), run.modseq) for run in runs]


def _flags(rows: list[tuple[int, int, str, int]]) -> list[ChangedFlags]:
    return [ChangedFlags(uid, Flags(system, words).names(), modseq) for uid, system, words, modseq in rows]


def subscriptions(reader: Reader, account: str, after: str) -> list[str]:
    """A page of the names to which an account is subscribed, after a name."""
    sql = f"SELECT name FROM subscription WHERE account = ? AND name > ? ORDER BY name LIMIT {PAGE}"  # noqa: S608
    return [row[0] for row in reader.all(sql, (account, after))]

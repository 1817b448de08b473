"""Questions about mailboxes, answered from rows. The work of a question about new mail does not grow with the mailbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from services.mailstore.domain.flags import Flags
from services.mailstore.domain.state import MailboxState
from services.mailstore.domain.uids import Ranges, ranges
from services.mailstore.projections.conditions import conditions
from shared.eventstore.connection import Reader

T = TypeVar("T")
_TRIES = 3
_RUNS = (
    "SELECT min(uid), max(uid) FROM (SELECT uid, uid - row_number() OVER (ORDER BY uid) AS run FROM entry WHERE mailbox = ?) AS numbered"
    " GROUP BY run ORDER BY 1"
)

# One statement, so that count and ends are of one state of the mailbox while others write.
_EXTENT = (
    "SELECT messages, (SELECT min(uid) FROM entry WHERE entry.mailbox = mailbox.id), (SELECT max(uid) FROM entry WHERE entry.mailbox = mailbox.id)"
    " FROM mailbox WHERE id = ?"
)


class ChangedFlags(NamedTuple):
    """A message whose flags changed."""

    uid: int
    flags: tuple[str, ...]
    modseq: int


class Changes(NamedTuple):
    """What changed in a mailbox behind a version."""

    version: int
    uid_next: int
    added: Ranges
    vanished: Ranges
    changed: tuple[ChangedFlags, ...]
    keywords: tuple[str, ...]


def version_of(reader: Reader, account: str) -> int:
    """The version of the account's stream: the MODSEQ of its last change."""
    row = reader.one("SELECT version FROM stream WHERE stream = ?", (account,))
    return row[0] if row else 0


def of_one_version(reader: Reader, account: str, ask: Callable[[int], T]) -> T:
    """What several statements say of one version of an account: asked again when somebody committed between them.

    Under a storm of commits the last answer stands: what is newer than its version is told again at the next question,
    never missed.
    """
    version = version_of(reader, account)
    for _ in range(_TRIES):
        answer = ask(version)
        before, version = version, version_of(reader, account)
        if before == version:
            break
    return answer


def uid_runs(reader: Reader, mailbox: MailboxState) -> Ranges:
    """The UIDs of a mailbox as ranges; without holes it costs three look-ups however large the mailbox is."""
    row = reader.one(_EXTENT, (mailbox.id,))
    if row is None or row[1] is None:
        return ()
    if row[2] - row[1] + 1 == row[0]:
        return ((row[1], row[2]),)
    return tuple((first, last) for first, last in reader.all(_RUNS, (mailbox.id,)))


def first_unseen(reader: Reader, mailbox: MailboxState) -> int:
    """The lowest UID without \\Seen; 0 when all are seen."""
    if not mailbox.unseen:
        return 0
    row = reader.one("SELECT uid FROM entry WHERE mailbox = ? AND (system & 1) = 0 ORDER BY uid LIMIT 1", (mailbox.id,))
    return row[0] if row else 0


def keywords(reader: Reader, mailbox: str) -> tuple[str, ...]:
    """Keywords that were ever used in a mailbox."""
    return tuple(
        row[0] for row in reader.all("SELECT keyword FROM keyword WHERE mailbox = ? ORDER BY keyword", (mailbox,))
    )


def changes(reader: Reader, version: int, mailbox: MailboxState, since: int, uid_next: int) -> Changes:
    """What a session that has seen version `since` and UIDs below `uid_next` must be told, as of `version`."""
    added = reader.all("SELECT uid FROM entry WHERE mailbox = ? AND uid >= ? ORDER BY uid", (mailbox.id, uid_next))
    moved = reader.all(
        # `+uid` is no index term: SQLite would rather read the whole mailbox by UID than the few changed rows by
        # MODSEQ.
        "SELECT uid, system, keywords, modseq FROM entry WHERE mailbox = ? AND modseq > ? AND +uid < ?",
        (mailbox.id, since, uid_next),
    )
    return Changes(
        version,
        mailbox.uid_next,
        ranges(row[0] for row in added),
        vanished(reader, mailbox.id, since, uid_next),
        tuple(ChangedFlags(uid, Flags(system, words).names(), modseq) for uid, system, words, modseq in sorted(moved)),
        keywords(reader, mailbox.id),
    )


def flags_of(reader: Reader, mailbox: str, uids: Ranges) -> list[ChangedFlags]:
    """The flags of the messages of UID ranges, ascending."""
    found = []
    for condition, parameters in conditions(uids):
        sql = f"SELECT uid, system, keywords, modseq FROM entry WHERE mailbox = ? AND {condition} ORDER BY uid"  # noqa: S608
        found += [
            ChangedFlags(uid, Flags(system, words).names(), modseq)
            for uid, system, words, modseq in reader.all(sql, (mailbox, *parameters))
        ]
    return found


def changed_since(reader: Reader, mailbox: str, since: int) -> Ranges:
    """UIDs of the messages that came or changed behind a version; the work is theirs, not the mailbox's."""
    return ranges(
        sorted(row[0] for row in reader.all("SELECT uid FROM entry WHERE mailbox = ? AND modseq > ?", (mailbox, since)))
    )


def vanished(reader: Reader, mailbox: str, since: int, below: int = 1 << 40) -> Ranges:
    """UIDs that left the mailbox behind a version, below a UID."""
    sql = "SELECT first, last FROM vanished WHERE mailbox = ? AND modseq > ? AND first < ? ORDER BY first"
    return tuple((first, min(last, below - 1)) for first, last in reader.all(sql, (mailbox, since, below)))

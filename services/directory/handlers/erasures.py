"""Keeps the erasures of deleted accounts: which step is next, which mails are noted, and when all is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.directory.domain.erasures import COLLECT, STEPS, HeldAddress, held_addresses, present_step
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import archive_rows
from services.directory.handlers.commands import append
from shared.events.erasure import ErasureCompleted, ErasureMailsNoted, ErasureStepDone
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import COLUMNS, Transaction, recorded_from

MOST_NOTED = 1_000
"""Mails that a call notes."""
_MAILS = 5_000
"""Mails of a page."""
_MOST_HISTORY = 10_000
_ROW = "SELECT account, at, done, completed_at FROM erasure"


class ErasureState(NamedTuple):
    """The erasure of an account; `done` counts its steps."""

    account: str
    at: int
    done: int
    completed_at: int


class NotedMail(NamedTuple):
    """A mail that is noted for an erasure."""

    queue_id: str
    is_whole: bool


def open_erasures(reader: Reader, limit: int) -> list[ErasureState]:
    """The open erasures, the oldest accounts first."""
    sql = f"{_ROW} WHERE completed_at = 0 ORDER BY account LIMIT ?"
    return [ErasureState(*row) for row in reader.all(sql, (limit,))]


def latest_erasures(reader: Reader, limit: int) -> list[ErasureState]:
    """The erasures that ended last."""
    sql = f"{_ROW} WHERE completed_at > 0 ORDER BY completed_at DESC, account LIMIT ?"
    return [ErasureState(*row) for row in reader.all(sql, (limit,))]


def open_count(reader: Reader) -> int:
    """The number of open erasures."""
    row = reader.first_row("SELECT count(*) FROM erasure WHERE completed_at = 0")
    return int(row[0]) if row else 0


def next_of(reader: Reader, service: str, after: str) -> ErasureState | None:
    """The first open erasure after an account whose present step is one of this service."""
    turns = ", ".join(str(number) for number, step in enumerate(STEPS) if step.service == service)
    sql = f"{_ROW} WHERE completed_at = 0 AND account > ? AND done IN ({turns or -1}) ORDER BY account LIMIT 1"
    row = reader.first_row(sql, (after,))
    return ErasureState(*row) if row else None


def addresses_of(reader: Reader, account: str) -> list[tuple[HeldAddress, str]]:
    """The addresses that an account had, in its domain and in the aliases of it, each with its separators."""
    sql = f"SELECT {COLUMNS} FROM event WHERE stream = ? ORDER BY version LIMIT ?"  # noqa: S608
    history = [recorded_from(row) for row in reader.all(sql, (f"account:{account}", _MOST_HISTORY))]
    known = []
    for held in held_addresses(history):
        forms = archive_rows.forms_of(reader, held.address)
        known += [(HeldAddress(key, held.since, held.until), forms.separators) for key in forms.keys]
    return known


def mails_after(reader: Reader, account: str, after: str) -> list[NotedMail]:
    """A page of the noted mails."""
    sql = "SELECT queue_id, whole FROM erasure_mail WHERE account = ? AND queue_id > ? ORDER BY queue_id LIMIT ?"
    return [NotedMail(queue_id, bool(whole)) for queue_id, whole in reader.all(sql, (account, after, _MAILS))]


def note(
    tx: Transaction, account: str, service: str, whole: Sequence[str], part: Sequence[str], provenance: Provenance
) -> None:
    """Note mails. Raises DirectoryRefused when it is not the turn of the service."""
    if len(whole) + len(part) > MOST_NOTED:
        raise DirectoryRefused("invalid", f"at most {MOST_NOTED} mails at once")
    _check_turn(tx, account, service, COLLECT)
    noted = ErasureMailsNoted(account, service, tuple(whole), tuple(part))
    append(tx, f"erasure:{account}", [noted], provenance)


def end_step(tx: Transaction, account: str, service: str, step: str, provenance: Provenance) -> None:
    """End the present step, and the erasure with the last of them. A step that has ended already is no mistake."""
    state = _check_turn(tx, account, service, step, ended=True)
    if state is None:
        return
    append(tx, f"erasure:{account}", [ErasureStepDone(account, service, step)], provenance)
    if present_step(state.done + 1) is None:
        append(tx, f"erasure:{account}", [ErasureCompleted(account)], provenance)


def _check_turn(tx: Reader, account: str, service: str, name: str, *, ended: bool = False) -> ErasureState | None:
    row = tx.first_row(f"{_ROW} WHERE account = ?", (account,))
    if row is None:
        raise DirectoryRefused("missing", f"there is no erasure of {account}")
    state = ErasureState(*row)
    step = present_step(state.done)
    if step is not None and (step.service, step.name) == (service, name):
        return state
    if ended:
        return None
    raise DirectoryRefused("invalid", f"it is not the turn of {service} to {name} for {account}")

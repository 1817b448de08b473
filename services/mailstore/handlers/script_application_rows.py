"""Reads applications of scripts to mailboxes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.script_applications import RUNNING, UNDOING, step_of
from shared.events.applying import ApplicationCounts, ApplicationStep, ScriptError, UndoCounts
from shared.eventstore.connection import Reader, Row
from shared.protocol.imap.ranges import Ranges, common

_ROW = (
    "id, account, mailbox, mailbox_name, script, source, uids, since, most, last_uid, total, through, state, reason,"
    " begun_at, ended_at, counts, errors, undone, last_step"
)
_UNENDED = "state IN (?, ?)"
_RANGES = msgspec.json.Decoder(tuple[tuple[int, int], ...])
_COUNTS = msgspec.json.Decoder(ApplicationCounts)
_ERRORS = msgspec.json.Decoder(tuple[ScriptError, ...])
_UNDONE = msgspec.json.Decoder(UndoCounts)


class MessageChoice(NamedTuple):
    """Which messages of a mailbox a script is applied to."""

    last_uid: int
    uids: Ranges = ()
    """Only these; empty: all."""
    since: int = 0
    """Only those with an internal date from then on, in UTC microseconds."""
    most: int = 0
    """Only so many, the oldest first; 0: all."""

    @property
    def ranges(self) -> Ranges:
        """The UIDs that the messages may have."""
        everything: Ranges = ((1, self.last_uid),) if self.last_uid else ()
        return common(self.uids, everything) if self.uids else everything

    def total(self, reader: Reader, mailbox: str) -> int:
        """The number of messages."""
        total = 0
        for condition, parameters in conditions(self.ranges):
            sql = f"SELECT count(*) FROM entry WHERE mailbox = ? AND {condition} AND internal_date >= ?"  # noqa: S608
            row = reader.first_row(sql, (mailbox, *parameters, self.since))
            total += row[0] if row else 0
        return min(total, self.most) if self.most else total


class ApplicationRow(NamedTuple):
    """An application."""

    id: str
    account: str
    mailbox: str
    mailbox_name: str
    script: str
    source: str
    choice: MessageChoice
    total: int
    through: int
    """The UID of the last message about which the script has decided."""
    state: str
    reason: str
    begun_at: int
    ended_at: int
    counts: ApplicationCounts
    errors: tuple[ScriptError, ...]
    undone: UndoCounts
    last_step: int
    """The number of the last step that is not undone; -1: there is none."""


def of_id(reader: Reader, application: str) -> ApplicationRow | None:
    """The application with this id, or None."""
    row = reader.first_row(f"SELECT {_ROW} FROM script_application WHERE id = ?", (application,))  # noqa: S608
    return _application(row) if row else None


def of_account(reader: Reader, account: str) -> list[ApplicationRow]:
    """The applications of an account that are kept, the latest first."""
    sql = f"SELECT {_ROW} FROM script_application WHERE account = ? ORDER BY begun_at DESC, id DESC"  # noqa: S608
    return [_application(row) for row in reader.all(sql, (account,))]


def unended(reader: Reader, after: str = "") -> ApplicationRow | None:
    """The next application by id that runs or is being undone, or None."""
    sql = f"SELECT {_ROW} FROM script_application WHERE {_UNENDED} AND id > ? ORDER BY id LIMIT 1"  # noqa: S608
    row = reader.first_row(sql, (RUNNING, UNDOING, after))
    return _application(row) if row else None


def unended_of(reader: Reader, account: str) -> str:
    """The id of the account's application that runs or is being undone; empty: none does."""
    sql = f"SELECT id FROM script_application WHERE account = ? AND {_UNENDED} LIMIT 1"  # noqa: S608
    row = reader.first_row(sql, (account, RUNNING, UNDOING))
    return str(row[0]) if row else ""


def last_steps(reader: Reader, application: str, most: int) -> list[tuple[int, ApplicationStep]]:
    """The last steps that are not undone, with their numbers, the latest first."""
    sql = "SELECT number, step FROM script_application_step WHERE application = ? ORDER BY number DESC LIMIT ?"
    return [(number, step_of(text)) for number, text in reader.all(sql, (application, most))]


def _application(row: Row) -> ApplicationRow:
    (identity, account, mailbox, name, script, source, uids, since, most, last_uid, total, through, *rest) = row
    state, reason, begun_at, ended_at, counts, errors, undone, last_step = rest
    return ApplicationRow(
        identity,
        account,
        mailbox,
        name,
        script,
        source,
        MessageChoice(last_uid, _RANGES.decode(uids), since, most),
        total,
        through,
        state,
        reason,
        begun_at,
        ended_at,
        _COUNTS.decode(counts),
        _ERRORS.decode(errors),
        _UNDONE.decode(undone),
        last_step,
    )

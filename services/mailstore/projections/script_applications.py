"""Keeps the applications of scripts to mailboxes, and their steps, which can be undone.

No other code changes these tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from services.mailstore.domain.script_application import together, undone_together
from shared.events.applying import (
    ApplicationAdvanced,
    ApplicationBegun,
    ApplicationCounts,
    ApplicationEnded,
    ApplicationStep,
    ScriptError,
    UndoAdvanced,
    UndoBegun,
    UndoCounts,
)
from shared.events.closing import AccountErased
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

RUNNING, DONE, STOPPED, UNDOING, UNDONE = "running", "done", "stopped", "undoing", "undone"
"""The states of an application."""
ERRORS_KEPT = 10
"""Errors of an application that are kept with their texts."""
_TABLES = ("script_application", "script_application_step")
_INSERT = (
    "INSERT INTO script_application (id, account, mailbox, mailbox_name, script, source, uids, since, most, last_uid,"
    " total, through, state, reason, begun_at, ended_at, counts, errors, undone, last_step)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', ?, 0, ?, '[]', ?, -1)"
)
_ADVANCE = "UPDATE script_application SET through = ?, counts = ?, errors = ?, last_step = ? WHERE id = ?"
_END = "UPDATE script_application SET state = ?, reason = ?, ended_at = ?, source = '' WHERE id = ?"
_READ = "SELECT counts, errors, last_step FROM script_application WHERE id = ?"
_UNDO = "UPDATE script_application SET state = ?, last_step = ?, undone = ? WHERE id = ?"
_errors = msgspec.json.Decoder(list[ScriptError])
_counts = msgspec.json.Decoder(ApplicationCounts)
_undone = msgspec.json.Decoder(UndoCounts)


class ScriptApplicationProjection:
    """Keeps a row for each application, and one for each step that is not undone."""

    name = "script-applications"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_application(metadata), _step(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ApplicationBegun() as event:
                _begin(connection, recorded.at, event)
            case ApplicationAdvanced() as event:
                _advance(connection, event)
            case ApplicationEnded(_, application, reason):
                connection.execute(_END, (STOPPED if reason else DONE, reason, recorded.at, application))
            case UndoBegun(_, application):
                connection.execute("UPDATE script_application SET state = ? WHERE id = ?", (UNDOING, application))
            case UndoAdvanced() as event:
                _undo(connection, event)
            case AccountErased(account):
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608


def _begin(connection: Connection, at: int, event: ApplicationBegun) -> None:
    for application in event.forgotten:
        connection.execute("DELETE FROM script_application WHERE id = ?", (application,))
        connection.execute("DELETE FROM script_application_step WHERE application = ?", (application,))
    row = (event.application, event.account, event.mailbox, event.mailbox_name, event.script, event.source)
    choice = (_json(event.uids), event.since, event.most, event.last_uid, event.total)
    connection.execute(_INSERT, (*row, *choice, RUNNING, at, _json(ApplicationCounts()), _json(UndoCounts())))


def _advance(connection: Connection, event: ApplicationAdvanced) -> None:
    row = connection.first_row(_READ, (event.application,))
    if row is None:
        return
    counts = together(_counts.decode(row[0]), event.counts)
    errors = [*_errors.decode(row[1]), *event.errors][:ERRORS_KEPT]
    for number, step in enumerate(event.steps, row[2] + 1):
        connection.execute(
            "INSERT INTO script_application_step (application, number, account, step) VALUES (?, ?, ?, ?)",
            (event.application, number, event.account, _json(step)),
        )
    advanced = (event.through, _json(counts), _json(errors), row[2] + len(event.steps), event.application)
    connection.execute(_ADVANCE, advanced)


def _undo(connection: Connection, event: UndoAdvanced) -> None:
    row = connection.first_row("SELECT undone FROM script_application WHERE id = ?", (event.application,))
    if row is None:
        return
    counts = undone_together(_undone.decode(row[0]), event.counts)
    connection.execute(
        "DELETE FROM script_application_step WHERE application = ? AND number > ?", (event.application, event.next_step)
    )
    state = UNDOING if event.next_step >= 0 else UNDONE
    connection.execute(_UNDO, (state, event.next_step, _json(counts), event.application))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def step_of(text: str) -> ApplicationStep:
    """A step from its row."""
    return msgspec.json.decode(text, type=ApplicationStep)


def _application(metadata: MetaData) -> Table:
    texts = ("account", "mailbox", "mailbox_name", "script", "source", "uids")
    numbers = ("since", "most", "last_uid", "total", "through")
    return Table(
        "script_application",
        metadata,
        Column("id", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in texts),
        *(Column(name, BigInteger, nullable=False) for name in numbers),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("begun_at", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=False),
        Column("counts", Text, nullable=False),
        Column("errors", Text, nullable=False),
        Column("undone", Text, nullable=False),
        Column("last_step", BigInteger, nullable=False),
        Index("script_application_account", "account", "begun_at"),
        Index("script_application_state", "state"),
        sqlite_with_rowid=False,
    )


def _step(metadata: MetaData) -> Table:
    return Table(
        "script_application_step",
        metadata,
        Column("application", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("account", Text, nullable=False),
        Column("step", Text, nullable=False),
        PrimaryKeyConstraint("application", "number"),
        Index("script_application_step_account", "account"),
        sqlite_with_rowid=False,
    )

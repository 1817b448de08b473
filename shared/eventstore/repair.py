"""Corrects projections in short transactions, between which the writer serves others.

First the log is folded and compared with the stored rows in one state of the database, beside the writer. That gives
the keys of all rows that differ in this state. From before this state on, the keys of all rows that change are noted as
well, both stored and folded ones: a new event may read a row that differs, and so make rows differ that the comparison
did not see. Every other row was equal and stays equal. Then each page brings the fold up to the state of its
transaction, and gives some of the noted rows their folded values. When no noted row is left, no row differs.

When a repair is interrupted, the corrected rows stay correct; the others differ as before, and the next repair finds
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.eventstore.change_capture import ChangeCapture
from shared.eventstore.comparison import VerifyResult, compare, make_equal
from shared.eventstore.connection import Connection, StreamReader
from shared.eventstore.fold import Fold, Progress
from shared.eventstore.pending_keys import PendingKeys
from shared.eventstore.scratch import tables_of
from shared.eventstore.transaction import Projection, Transaction

TOUCHED_A_PAGE, OCTETS_A_PAGE = 200, 256 * 1024
"""Statements and rows, and octets of rows, after which a page ends: some tens of milliseconds on PostgreSQL."""
EVENTS_A_PAGE, CHANGED_A_PAGE = 20, 500
"""Events that a page may apply first, and rows that they may have changed. With more, the page does nothing, and the
fold catches up beside the writer."""


class Repair:
    """One repair: call its methods in their order, the last three repeatedly until a page reports that it was the last.

    `fold`, `compare` and `catch_up` get a reader that sees one state of the database, `page` gets the writer's
    transaction. Each of them raises LogCompacted when the repair must begin anew.
    """

    def __init__(self, projections: Sequence[Projection], folder: Path | None, progress: Progress) -> None:
        self._tables = {table.name: table for table in tables_of(projections)}
        self._pending = PendingKeys(folder)
        self._stored = ChangeCapture(projections, self._pending)
        self._folded = ChangeCapture(projections, self._pending)
        self._fold = Fold(projections, folder, progress)
        self._patience = 1
        self.projections = self._stored.projections
        """The projections to apply to all events from before `compare` until the last page."""

    @property
    def events(self) -> int:
        """The number of events that were applied."""
        return self._fold.events

    def close(self) -> None:
        """Close the scratch tables."""
        self._pending.close()
        self._fold.close()

    def fold(self, reader: StreamReader) -> None:
        """Apply the whole log."""
        self._fold.read(reader)

    def compare(self, reader: StreamReader) -> VerifyResult:
        """Find every row that differs."""
        self._fold.catch_up(reader)
        self._fold.projections = self._folded.projections
        return compare(
            reader,
            self._fold.tables,
            list(self._tables.values()),
            self._fold.events,
            lambda difference: self._pending.add(difference.table, [difference.key]),
        )

    def page(self, transaction: Transaction) -> bool:
        """Correct some rows; returns whether no differing row is left."""
        connection = transaction.connection
        if self._is_behind(connection):
            return False
        self._fold.catch_up(connection)
        self._stored.changed = 0
        end, octets = connection.tally.touched + TOUCHED_A_PAGE, 0
        while connection.tally.touched < end and octets < OCTETS_A_PAGE:
            item = self._pending.take()
            if item is None:
                return True
            rivals, moved = make_equal(connection, self._fold.tables, self._tables[item[0]], item[1])
            self._pending.add(item[0], rivals)
            octets += moved
        return False

    def catch_up(self, reader: StreamReader) -> None:
        """Apply the events written since."""
        self._stored.changed = 0
        self._fold.catch_up(reader)

    def _is_behind(self, connection: Connection) -> bool:
        """Whether too many events were written since the last `catch_up`.

        The limit doubles each time in a row, so that a repair ends whatever is written beside it.
        """
        changed, events = self._stored.changed, self._fold.behind(connection)
        is_behind = changed > CHANGED_A_PAGE * self._patience or events > EVENTS_A_PAGE * self._patience
        self._patience = 2 * self._patience if is_behind else 1
        return is_behind

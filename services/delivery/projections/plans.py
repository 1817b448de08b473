"""The table of plans that are not settled: a row lives from the plan to the settlement.

The results of the steps remain in the stream of the mail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text

from shared.events.delivery import (
    DeliveryBounced,
    DeliveryListExpanded,
    DeliveryPlanned,
    DeliveryReported,
    DeliverySettled,
    Step,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[Step, ...])


class PlanProjection:
    """Keeps one row for each plan."""

    name = "plans"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "plan",
                metadata,
                Column("queue_id", Text, primary_key=True),
                Column("at", BigInteger, nullable=False),
                Column("steps", LargeBinary, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case DeliveryPlanned(queue_id, steps):
                connection.execute(
                    "INSERT INTO plan (queue_id, at, steps) VALUES (?, ?, ?)",
                    (queue_id, recorded.at, _encoder.encode(steps)),
                )
            case DeliveryBounced(queue_id) as bounced:
                self._change(connection, queue_id, lambda steps: _without(steps, bounced))
            case DeliveryReported(queue_id, _, added):
                self._change(connection, queue_id, lambda steps: (*steps, *added))
            case DeliveryListExpanded(queue_id) as part if _blobs_of(part):
                self._change(connection, queue_id, lambda steps: _with_blobs(steps, part))
            case DeliverySettled(queue_id):
                connection.execute("DELETE FROM plan WHERE queue_id = ?", (queue_id,))
            case _:
                pass

    @staticmethod
    def _change(connection: Connection, queue_id: str, change: Callable[[tuple[Step, ...]], tuple[Step, ...]]) -> None:
        row = connection.first_row("SELECT steps FROM plan WHERE queue_id = ?", (queue_id,))
        if row is not None:
            steps = change(decode_steps(row[0]))
            connection.execute("UPDATE plan SET steps = ? WHERE queue_id = ?", (_encoder.encode(steps), queue_id))


def _without(steps: Sequence[Step], bounced: DeliveryBounced) -> tuple[Step, ...]:
    """The steps after a bounce: those of its notification stand in for the one that failed."""
    return (*(step for step in steps if step.index != bounced.index), *bounced.steps)


def _blobs_of(part: DeliveryListExpanded) -> list[str]:
    """The message of a list, and those that the scripts of its members have made."""
    own = (blob for step in part.steps for blob in (step.blob, step.edited))
    return [blob for blob in dict.fromkeys((part.blob, *own)) if blob]


def _with_blobs(steps: Sequence[Step], part: DeliveryListExpanded) -> tuple[Step, ...]:
    """The steps with one for each message of a part, so that it is kept while copies of it are handed over."""
    known = {step.blob for step in steps}
    new = (blob for blob in _blobs_of(part) if blob not in known)
    return (*steps, *(Step(part.recipient, -1, "list", list_id=part.list_id, blob=blob) for blob in new))


def decode_steps(data: bytes) -> tuple[Step, ...]:
    """The steps in the row of a plan."""
    return _decoder.decode(data)

"""A repair beside the writer notes the changes of every projection of the product, for every event."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from services.classifier.projections.lessons import LessonProjection
from services.delivery.projections.plans import PlanProjection
from services.directory.projections.archives import ArchiveProjection
from services.directory.projections.bulk import BulkProjection
from services.directory.projections.configuration import ConfigurationProjection
from services.directory.projections.credentials import CredentialsProjection
from services.directory.projections.lists import ListProjection
from services.directory.projections.lockouts import LockoutProjection
from services.directory.projections.send_as import SendAsProjection
from services.directory.projections.sending import SendingProjection
from services.directory.projections.signatures import SignatureProjection
from services.ingress.projections.receptions import ReceptionProjection
from services.mailstore.projections.closing import ClosingProjection
from services.mailstore.projections.mailbox_rights import MailboxRightsProjection
from services.mailstore.projections.mailboxes import MailboxProjection
from services.mailstore.projections.uid_validity import UidValidityProjection
from services.outbound.projections.holds import HoldProjection
from services.outbound.projections.limits import LimitProjection
from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.reports import ReportProjection
from services.outbound.projections.sent import SentProjection
from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.eventstore.change_capture import ChangeCapture
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.deadletters import DeadLetterProjection
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.pending_keys import PendingKeys
from shared.eventstore.scratch import rows_of, scratch
from shared.eventstore.transaction import Projection
from tests.golden.events.examples import EXAMPLES

PROJECTIONS: list[Callable[[sqlalchemy.MetaData], Projection]] = [
    LessonProjection,
    PlanProjection,
    ConfigurationProjection,
    CredentialsProjection,
    SendingProjection,
    SignatureProjection,
    ListProjection,
    ArchiveProjection,
    BulkProjection,
    SendAsProjection,
    LockoutProjection,
    ReceptionProjection,
    MailboxProjection,
    MailboxRightsProjection,
    UidValidityProjection,
    ClosingProjection,
    QueueProjection,
    ReportProjection,
    HoldProjection,
    SentProjection,
    LimitProjection,
    TransportSecurityProjection,
    DeadLetterProjection,
]


@pytest.mark.parametrize("kind", PROJECTIONS)
def test_the_keys_of_all_changed_rows_are_noted(kind: Callable[[sqlalchemy.MetaData], Projection]) -> None:
    projection = kind(sqlalchemy.MetaData())
    pending, changed = PendingKeys(None), 0
    capture = ChangeCapture([projection], pending)
    with scratch([projection], None) as tables:
        before: set[Any] = set()
        for position, event in enumerate(EXAMPLES, 1):
            recorded = Recorded(0, position, "stream", position, position, Provenance(Actor("system")), event)
            with contextlib.suppress(sqlite3.IntegrityError):  # the examples do not form a history
                capture.projections[0].apply(tables, recorded)
            after = {(table.name, row) for table in projection.tables for row in rows_of(tables, table)}
            noted = set()
            while (item := pending.take()) is not None:
                noted.add(item)
            assert {key_of(projection, *row) for row in before ^ after} <= noted
            changed += len(before ^ after)
            before = after
    assert changed


def key_of(projection: Projection, name: str, row: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    table = next(table for table in projection.tables if table.name == name)
    by_name = dict(zip(table.columns.keys(), row, strict=True))
    return name, tuple(by_name[column.name] for column in table.primary_key.columns)


@pytest.mark.parametrize(
    "sql", ["UPDATE setting SET name = ? WHERE name = ?", "REPLACE INTO setting (name, value) VALUES (?, ?)"]
)
def test_a_statement_that_cannot_be_followed_is_reported(tmp_path: Path, sql: str) -> None:
    pending = PendingKeys(tmp_path)
    capture = ChangeCapture([ConfigurationProjection(sqlalchemy.MetaData())], pending)
    capture.statement(sql)
    with pytest.raises(StoreUnavailable):
        pending.take()


def test_a_statement_on_another_table_is_none_of_its_business(tmp_path: Path) -> None:
    pending = PendingKeys(tmp_path)
    capture = ChangeCapture([ConfigurationProjection(sqlalchemy.MetaData())], pending)
    assert capture.statement("UPDATE purse SET coins = 1") is None
    assert pending.take() is None

"""Which accounts are compared with the index, so that what was lost comes back by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy

from services.indexer.adapters.catalog import Catalog, Task, catalog_tables, cursor_of
from services.indexer.handlers.account_changes import AccountChanges
from services.indexer.handlers.indexing import Indexing
from services.indexer.index_settings import IndexSettings
from services.mailstore.endpoints.documents import DocumentsEndpoint
from shared.bus.bus import Bus
from shared.clock import SystemClock
from shared.eventstore.log_reading import LogPosition
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.channel import for_stubs
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import add_DocumentsServicer_to_server
from tests.integration.indexer.naive_engine import NaiveEngine
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    catalog_tables(metadata)
    opened = EventStore(SqliteBackend(tmp_path / "indexer.sqlite"), metadata, (), SystemClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as running:
        await running.deliver_body(b"Subject: s\r\n\r\ntext\r\n")
        yield running


class _Looks:
    """What the comparison needs of the indexing."""

    is_quiet = False

    def look(self) -> None:
        pass


def _changes(notes: EventStore, mailstore: CountedMailstore, engine: NaiveEngine) -> AccountChanges:
    endpoint = DocumentsEndpoint(mailstore.store, mailstore.turns)
    methods = methods_of("mailstore", ((add_DocumentsServicer_to_server, endpoint),))
    return AccountChanges(
        "indexer",
        notes,
        Catalog(notes).dues(1),
        engine,
        for_stubs(LocalChannel(methods, "indexer")),
        cast(Bus, None),
        cast(Indexing, _Looks()),
        SystemClock(),
        IndexSettings(),
        cursor_of(1),
    )


async def test_an_account_whose_files_are_gone_is_filled_after_a_start(
    notes: EventStore, mailstore: CountedMailstore
) -> None:
    await notes.follow_from(cursor_of(1), {0: LogPosition(7, 1)})
    await _changes(notes, mailstore, NaiveEngine())._begin()
    assert await Catalog(notes).dues(1).due(Task.FILL, 1 << 60, 9) == [ACCOUNT]


async def test_an_account_that_only_the_index_has_is_compared_too(
    notes: EventStore, mailstore: CountedMailstore
) -> None:
    engine = NaiveEngine()
    engine._accounts = {account: engine._of(account) for account in (ACCOUNT, "erased-long-ago")}
    assert await _changes(notes, mailstore, engine).note_all_accounts() == 1
    assert sorted(await Catalog(notes).dues(1).due(Task.FILL, 1 << 60, 9)) == sorted((ACCOUNT, "erased-long-ago"))


async def test_the_daily_comparison_counts_from_the_last_one_whatever_was_restarted(
    notes: EventStore, mailstore: CountedMailstore
) -> None:
    engine = NaiveEngine()
    engine._accounts = {ACCOUNT: engine._of(ACCOUNT)}
    await notes.follow_from(cursor_of(1), {0: LogPosition(7, 1)})
    earlier = _changes(notes, mailstore, engine)
    await earlier.note_all_accounts()
    await notes.flush_cursors()
    later = _changes(notes, mailstore, engine)
    await later._begin()
    assert later._compared_at == earlier._compared_at > 0


async def test_an_index_follows_nothing_of_an_earlier_one_with_its_number(notes: EventStore) -> None:
    catalog = Catalog(notes)
    await catalog.begin("embedded", 1)
    given_up = await catalog.begin("opensearch", 2)
    await notes.follow_from(cursor_of(given_up.number), {0: LogPosition(7, 1), 9: LogPosition(8, 1)})
    await catalog.forget(given_up.number)
    another = await catalog.begin("embedded", 3)
    assert not any(place.position for place in (await notes.followed(cursor_of(another.number))).values())

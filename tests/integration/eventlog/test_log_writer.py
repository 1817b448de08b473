"""Writing and deleting on a separate store: repeats, unknown types, clocks that go back, compression, pruning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy

from services.eventlog.adapters import key_index
from services.eventlog.adapters.embedded_search import EmbeddedSearch
from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.log_writer import Incoming, LogWriter, places_of
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids, id_of
from services.eventlog.adapters.packing import Packer
from services.eventlog.adapters.tables import log_tables
from services.eventlog.domain.keys import MAIL, key_of
from services.eventlog.domain.question import LogQuestion
from services.eventlog.handlers.prune import Pruner
from services.eventlog.handlers.search_port import EventRange
from shared.clock import FixedClock
from shared.eventstore.connection import Reader
from shared.eventstore.log_reading import LogPosition
from shared.eventstore.store import EventStore, backend_for, opened
from shared.grpc.errors import LimitReached
from shared.rpc.mailfold.events.v1 import events_pb2 as pb

DAY = 86_400
CLOCK_START = 1_700_000_000_000_000


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    log_tables(metadata)
    backend = backend_for(store_url, "eventlog", tmp_path, durable=False)
    async with opened(EventStore(backend, metadata, (), FixedClock(CLOCK_START))) as store:
        yield store


class Log:
    """A log writer that counts the events it was given."""

    def __init__(self, store: EventStore, compress_above: int = 1024) -> None:
        self.received: list[Incoming] = []
        self._store = store
        self._intake = LogWriter(store, Packer(compress_above), 100, self.received.extend)

    async def take(self, *events: pb.Event, service: str = "ingress") -> None:
        """Give events to the writer and close it, so that they are written when this returns."""
        self._intake.start()
        await self._intake.take(service, events)
        await self._intake.stop()
        self._intake = LogWriter(self._store, Packer(64), 100, self.received.extend)


def event(
    position: int,
    *,
    kind: str = "mail.settled",
    at: int = CLOCK_START,
    data: bytes = b'{"queue_id":"q1"}',
    shard: int = 3,
) -> pb.Event:
    return pb.Event(
        shard=shard,
        position=position,
        stream="q1",
        version=position,
        type=kind,
        schema=1,
        at=at,
        correlation="q1",
        data=data,
    )


def everything(reader: Reader) -> list[LoggedEvent]:
    return by_ids(reader, [row[0] for row in reader.all("SELECT id FROM fact")])


async def test_repeats_are_skipped_and_the_cursor_agrees_with_the_rows(store: EventStore) -> None:
    log = Log(store)
    await log.take(event(1), event(2))
    await log.take(event(1), event(2), event(3))
    assert [event.position for event in await store.read(everything)] == [1, 2, 3]
    assert await store.read(lambda reader: places_of(reader, "ingress")) == {3: LogPosition(3, event(3).at)}
    assert len(log.received) == 3


async def test_a_type_nobody_knows_and_data_nobody_reads_are_kept(store: EventStore) -> None:
    odd = b'{"shape":{"of":["tomorrow"]},"queue_id":7}'
    await Log(store).take(event(1, kind="mail.teleported", data=odd), event(2, data=b"\xff not JSON"))
    events = await store.read(everything)
    assert [(event.type, event.data) for event in events] == [
        ("mail.teleported", odd),
        ("mail.settled", b"\xff not JSON"),
    ]
    assert await store.read(lambda reader: list(ids_by_keys(reader, [key_of(MAIL, "Q1")]))) == [
        event.id for event in events
    ]


async def test_one_moment_and_a_clock_that_went_back_keep_the_order_of_the_shard(store: EventStore) -> None:
    await Log(store).take(event(1), event(2), event(3, at=CLOCK_START - 5_000_000), event(4, at=CLOCK_START + 1))
    events = await store.read(everything)
    assert [event.position for event in events] == [1, 2, 3, 4]
    assert events[2].at == CLOCK_START - 5_000_000


async def test_long_data_is_compressed_and_comes_back(store: EventStore) -> None:
    data = b'{"queue_id":"q1","outcomes":[' + b'{"recipient":"ann@example.org","result":"delivered"},' * 100 + b"{}]}"
    await Log(store, 64).take(event(1, data=data))
    row = await store.read(lambda reader: reader.first_row("SELECT length(data) FROM fact"))
    assert row is not None
    assert row[0] < len(data) // 10
    assert (await store.read(everything))[0].data == data


async def test_more_than_may_wait_is_taken_all_the_same(store: EventStore) -> None:
    intake = LogWriter(store, Packer(1024), 10, lambda _received: None)
    intake.start()
    for first in range(1, 101, 5):
        await intake.take("ingress", [event(position) for position in range(first, first + 5)])
    await intake.stop()
    assert len(await store.read(everything)) == 100


async def test_what_is_too_old_goes_with_its_keys(store: EventStore) -> None:
    days = [event(number, at=CLOCK_START + number * DAY * 1_000_000) for number in range(1, 11)]
    await Log(store).take(*days)
    clock = FixedClock(CLOCK_START + 10 * DAY * 1_000_000)
    assert await Pruner(store, clock, 3, 1.0).prune() == 6
    assert [event.position for event in await store.read(everything)] == [7, 8, 9, 10]
    assert await Pruner(store, clock, 3, 1.0).prune() == 0


async def test_a_restart_after_everything_was_pruned_goes_on(store: EventStore) -> None:
    await Log(store).take(event(1))
    clock = FixedClock(CLOCK_START + 10 * DAY * 1_000_000)
    await Pruner(store, clock, 3, 1.0).prune()
    await Log(store).take(event(1), event(2, at=clock.now()))
    assert [event.position for event in await store.read(everything)] == [2]


async def test_keys_find_the_same_before_and_after_they_are_sorted(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_index, "_SEGMENT", 12)
    log = Log(store)
    for first in (1, 5, 9, 13, 17):
        await log.take(
            *(event(position, at=CLOCK_START + position * DAY * 1_000_000) for position in range(first, first + 4))
        )
    segments = await store.read(lambda reader: reader.all("SELECT number, first, last FROM segment ORDER BY number"))
    assert len(segments) == 2
    ids = [event.id for event in await store.read(everything)]
    keys = [key_of(MAIL, "q1")]
    assert await store.read(lambda reader: list(ids_by_keys(reader, keys))) == ids
    assert await store.read(lambda reader: list(ids_by_keys(reader, keys, newest_first=True))) == ids[::-1]
    assert await store.read(lambda reader: list(ids_by_keys(reader, keys, Span(ids[3], ids[17])))) == ids[3:17]
    assert [await store.read(partial(id_of, event_id=f"ingress.3.{position}")) for position in (1, 20, 21)] == [
        ids[0],
        ids[19],
        None,
    ]


async def test_segments_go_with_their_events(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_index, "_SEGMENT", 1)
    log = Log(store)
    for number in range(1, 11):
        await log.take(event(number, at=CLOCK_START + number * DAY * 1_000_000))
    await Pruner(store, FixedClock(CLOCK_START + 10 * DAY * 1_000_000), 3, 1.0).prune()
    remaining = await store.read(lambda reader: {row[0] for row in reader.all("SELECT id FROM fact_key")})
    assert remaining == {event.id for event in await store.read(everything)}
    assert len(remaining) == 4


async def test_a_word_is_sought_no_further_than_allowed(store: EventStore) -> None:
    await Log(store).take(
        *(event(number, data=b'{"note":"%d needle"}' % number if number < 3 else b"{}") for number in range(1, 11))
    )

    async def ask(text: str, most: int) -> list[int]:
        events = await EmbeddedSearch(store, most).events(LogQuestion(text=text), EventRange(limit=100))
        return [event.position for event in events]

    assert await ask("Needle", 100) == [2, 1]
    assert await ask("needle", 9) == [2]  # the caller continues before this event
    with pytest.raises(LimitReached):
        await ask("needle", 8)

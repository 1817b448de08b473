"""A store counts its statements, rows read and rows written; the difference of two reports is the work between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from tests.contract.eventstore.harness import fill
from tests.contract.eventstore.sample import purses

_ALL_AT_ONCE = "UPDATE purse SET coins = coins + 1"


async def _work(store: EventStore, act: Callable[[], Awaitable[object]]) -> dict[str, int]:
    before = store.figures
    await act()
    return {name: count - before[name] for name, count in store.figures.items()}


def _first_row(reader: Reader) -> Row | None:
    return reader.first_row("SELECT coins FROM purse WHERE purse = ?", ("p9",))


async def test_rows_that_are_given_out_are_counted(store: EventStore) -> None:
    for number in range(10):
        await fill(store, f"p{number}")
    result = await _work(store, lambda: store.read(purses))
    assert (result["statements"], result["rows_read"], result["rows_written"]) == (1, 10, 0)
    result = await _work(store, lambda: store.read(_first_row))
    assert (result["statements"], result["rows_read"]) == (1, 1)
    result = await _work(
        store, lambda: store.read(lambda reader: reader.first_row("SELECT coins FROM purse WHERE purse = 'none'"))
    )
    assert (result["statements"], result["rows_read"]) == (1, 0)


async def test_rows_that_are_changed_are_counted(store: EventStore) -> None:
    for number in range(10):
        await fill(store, f"p{number}")
    nothing = await _work(store, lambda: store.write(lambda _: None))
    result = await _work(store, lambda: fill(store, "p1"))
    # The event, its stream's head, the purse.
    assert result["rows_written"] - nothing["rows_written"] == 3
    # The head was looked up before.
    assert result["statements"] - nothing["statements"] == 4
    result = await _work(store, lambda: store.write(lambda transaction: transaction.connection.execute(_ALL_AT_ONCE)))
    assert result["rows_written"] - nothing["rows_written"] == 10


async def test_rows_written_in_one_go_are_counted_one_by_one(store: EventStore) -> None:
    nothing = await _work(store, lambda: store.write(lambda _: None))
    rows = [(f"q{number}",) for number in range(7)]
    sql = "INSERT INTO purse (purse, coins, times, note) VALUES (?, 0, 0, '')"
    result = await _work(store, lambda: store.write(lambda transaction: transaction.connection.execute_many(sql, rows)))
    assert (result["statements"] - nothing["statements"], result["rows_written"] - nothing["rows_written"]) == (1, 7)


async def test_connections_that_were_closed_stay_counted(store: EventStore) -> None:
    await fill(store, "p1")
    before = store.figures["rows_read"]
    await store.verify()
    verified = store.figures["rows_read"]
    assert verified > before
    await fill(store, "p1")
    assert store.figures["rows_read"] > verified

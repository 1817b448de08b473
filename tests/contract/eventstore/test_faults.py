"""A database is unavailable for a while: no unit of work is half done, and all continues afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.eventstore import group
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded
from shared.eventstore.sqlite import SqliteConnection
from shared.eventstore.store import EventStore
from tests.contract.eventstore.faulty import Fault, FaultyBackend
from tests.contract.eventstore.harness import Harness, MakeBackend, fill, single_group
from tests.contract.eventstore.sample import Refused, events, purses


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
async def faulty(harness: Harness, fault: Fault) -> EventStore:
    store = await harness.open(FaultyBackend(harness.make_backend(), fault))
    await fill(store, "p1")
    return store


async def is_whole(store: EventStore, versions: int) -> None:
    """Check that the log of p1 has so many versions without gaps, and that the rows agree with it."""
    assert [row[1:4] for row in await store.read(events)] == [
        (number, "p1", number) for number in range(1, versions + 1)
    ]
    assert (await store.verify()).equal


async def test_a_group_that_cannot_begin(faulty: EventStore, fault: Fault) -> None:
    fault.next = "begin"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    assert await fill(faulty, "p1", expected=1) == 2
    await is_whole(faulty, 2)


async def test_a_commit_whose_answer_is_lost(faulty: EventStore, fault: Fault) -> None:
    fault.next = "commit"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    assert await fill(faulty, "p1", expected=2) == 3  # it was committed all the same, and later positions follow it
    await is_whole(faulty, 3)


async def test_a_savepoint_that_is_gone_fails_its_group(faulty: EventStore, fault: Fault) -> None:
    heard: list[Recorded] = []
    faulty.on_commit(heard.extend)
    async with single_group(faulty):
        fault.next = "undo"
        works = [
            asyncio.ensure_future(work) for work in (fill(faulty, "p1"), fill(faulty, "p1", -1), fill(faulty, "p1"))
        ]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable, Refused, StoreUnavailable]
    assert await fill(faulty, "p1", expected=1) == 2
    assert [recorded.version for recorded in heard] == [2]
    await is_whole(faulty, 2)


async def test_a_fault_of_the_driver_does_not_end_the_writer(faulty: EventStore, fault: Fault) -> None:
    """If the writer's thread ended, or a group were never answered, every later write would wait for ever."""
    fault.next, fault.then = "before commit", "rollback"
    async with asyncio.timeout(30):
        with pytest.raises(StoreUnavailable):
            await fill(faulty, "p1")
        assert await fill(faulty, "p1", expected=1) == 2
    assert faulty.trouble() == ""
    await is_whole(faulty, 2)


async def test_a_listener_that_raises_does_not_end_the_writer(faulty: EventStore) -> None:
    def broken(_recorded: list[Recorded]) -> None:
        raise RuntimeError("a listener's fault")

    faulty._frame.listeners.append(broken)
    async with asyncio.timeout(30):
        with pytest.raises(StoreUnavailable) as failure:
            await fill(faulty, "p1")
        assert failure.value.in_doubt  # it is committed; only the listener after the commit failed
        faulty._frame.listeners.remove(broken)
        assert await fill(faulty, "p1", expected=2) == 3
    await is_whole(faulty, 3)


async def test_a_group_that_is_stuck_is_reported(
    faulty: EventStore, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.at_gate.clear()
    fault.gate.clear()
    stuck = asyncio.ensure_future(fill(faulty, "p1"))
    assert await asyncio.to_thread(fault.at_gate.wait, 10)
    assert faulty.trouble() == ""
    began = time.monotonic()
    monkeypatch.setattr(group, "monotonic", lambda: began + 61)
    assert "has been at one group of works since" in faulty.trouble()
    monkeypatch.undo()
    fault.gate.set()
    assert await stuck == 2
    assert faulty.trouble() == ""


@pytest.mark.parametrize("what", ["full", "disk I/O error"])
async def test_a_commit_that_sqlite_refuses_is_no_commit_in_doubt(
    sqlite_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """After SQLITE_FULL and SQLITE_IOERR at COMMIT the caller has a definite answer at once."""
    harness = Harness(sqlite_backend)
    store = await harness.open()
    await fill(store, "p1")
    frame, refused = SqliteConnection._frame, [what]

    def full(connection: SqliteConnection, statement: str) -> None:
        if statement == "COMMIT" and refused:
            raise StoreUnavailable(refused.pop()) from sqlite3.OperationalError(what)
        frame(connection, statement)

    monkeypatch.setattr(SqliteConnection, "_frame", full)
    with pytest.raises(StoreUnavailable, match=what) as failure:
        await fill(store, "p1")
    assert not failure.value.in_doubt
    assert await fill(store, "p1", expected=1) == 2
    await is_whole(store, 2)
    await harness.close_all()


async def test_a_disk_that_is_full_at_the_commit_itself_is_no_commit_in_doubt(tmp_path: Path) -> None:
    """With a real disk limit: only COMMIT writes to the file, and the file may not grow (RLIMIT_FSIZE in a child)."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _FULL_AT_COMMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["StoreUnavailable", "False", "2"]


_FULL_AT_COMMIT = """
import asyncio, pathlib, resource, signal, sys
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.sqlite import SqliteBackend
from tests.contract.eventstore.harness import Harness, fill

async def main(folder):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await Harness(lambda: SqliteBackend(folder / "purses.sqlite")).open()
    await fill(store, "p1")
    size = (folder / "purses.sqlite-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, resource.RLIM_INFINITY))
    try:
        await fill(store, "p1", note=bytes(100_000))
    except StoreUnavailable as error:
        print(type(error).__name__, error.in_doubt)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(await fill(store, "p1", expected=1))
    await store.close()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_a_commit_that_postgresql_refuses_is_no_commit_in_doubt(postgres_backend: MakeBackend) -> None:
    """A deferred constraint fails at COMMIT, and the server reports it, so the outcome is known."""
    harness = Harness(postgres_backend)
    store = await harness.open()
    await fill(store, "p1")
    trigger = (
        "CREATE FUNCTION refuse() RETURNS trigger AS $$"
        " BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END"
        " $$ LANGUAGE plpgsql",
        "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    for statement in trigger:
        await store.write(lambda transaction, sql=statement: transaction.connection.execute(sql))  # type: ignore[misc]
    with pytest.raises(StoreUnavailable, match="no room") as failure:
        await fill(store, "p1")
    assert not failure.value.in_doubt
    await store.write(lambda transaction: transaction.connection.execute("DROP TRIGGER refused ON event"))
    assert await fill(store, "p1", expected=1) == 2
    await harness.close_all()


async def test_a_connection_that_postgresql_loses_in_the_commit_is_in_doubt(postgres_backend: MakeBackend) -> None:
    harness = Harness(postgres_backend)
    store = await harness.open()
    await fill(store, "p1")
    end_at_commit = (
        "CREATE FUNCTION fall() RETURNS trigger AS $$"
        " BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END"
        " $$ LANGUAGE plpgsql",
        "CREATE CONSTRAINT TRIGGER fallen AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION fall()",
    )
    for statement in end_at_commit:
        await store.write(lambda transaction, sql=statement: transaction.connection.execute(sql))  # type: ignore[misc]
    with pytest.raises(StoreUnavailable) as failure:
        await fill(store, "p1")
    assert failure.value.in_doubt
    await store.write(lambda transaction: transaction.connection.execute("DROP TRIGGER fallen ON event"))
    assert await fill(store, "p1", expected=1) == 2
    await harness.close_all()


async def test_noted_cursors_survive_a_failed_group(faulty: EventStore, fault: Fault) -> None:
    faulty.note_cursor("relay", 3, 10)
    fault.next = "begin"
    with pytest.raises(StoreUnavailable):
        await fill(faulty, "p1")
    await fill(faulty, "p1")
    assert (await faulty.cursor("relay"))[3] == 10


async def test_a_full_disk_refuses_and_later_works_succeed(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    store = await harness.open()
    await fill(store, "p1")

    async def limit(pages: int) -> None:
        await store.write(lambda transaction: transaction.connection.first_row(f"PRAGMA max_page_count={pages}"))

    await limit(1)  # SQLite then takes the present size as the limit, without one more page
    with pytest.raises(StoreUnavailable, match="full"):
        await fill(store, "p1", note=bytes(1_000_000))
    assert await store.read(purses) == [("p1", 1, 1, b"")]
    await limit(1_000_000)
    assert await fill(store, "p1", expected=1) == 2
    await is_whole(store, 2)
    await harness.close_all()


async def test_a_full_disk_in_a_group_never_answers_what_it_did_not_keep(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    store = await harness.open()
    await fill(store, "p1")
    await store.write(lambda transaction: transaction.connection.first_row("PRAGMA max_page_count=1"))
    async with single_group(store):
        works = [asyncio.ensure_future(fill(store, "p1", note=bytes(size))) for size in (1, 900_000, 1)]
    answers = await asyncio.gather(*works, return_exceptions=True)
    kept = [answer for answer in answers if isinstance(answer, int)]
    assert kept == list(range(2, 2 + len(kept)))
    await store.write(lambda transaction: transaction.connection.first_row("PRAGMA max_page_count=1000000"))
    await is_whole(store, 1 + len(kept))
    await harness.close_all()


async def test_sessions_that_the_server_ends(postgres_backend: MakeBackend) -> None:
    harness = Harness(postgres_backend)
    store = await harness.open()
    await fill(store, "p1")
    await store.read(purses)
    other = postgres_backend().connect()
    other.all(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    other.close()
    for answer in await asyncio.gather(fill(store, "p1"), store.read(purses), return_exceptions=True):
        assert not isinstance(answer, Exception) or isinstance(answer, StoreUnavailable)
    version = 1 + len(await store.read_stream("p1", after=1))
    assert await fill(store, "p1", expected=version) == version + 1
    assert (await store.verify()).equal
    await harness.close_all()

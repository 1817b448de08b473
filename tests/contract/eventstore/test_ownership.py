"""One process writes a store at a time: a file lock on SQLite, a lease with a fencing number on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.eventstore.file_lock import FileInUse, FileLock
from shared.eventstore.lease import FencedOut, LeaseHeld
from shared.eventstore.postgres import PostgresBackend
from tests.contract.eventstore.harness import Harness, MakeBackend, fill
from tests.contract.eventstore.sample import events

LEASE_SECONDS = 30


@pytest.fixture
async def leased(postgres_backend: MakeBackend) -> AsyncIterator[Harness]:
    harness = Harness(postgres_backend)
    yield harness
    await harness.close_all()


@pytest.fixture
async def locked(sqlite_backend: MakeBackend) -> AsyncIterator[Harness]:
    harness = Harness(sqlite_backend)
    yield harness
    await harness.close_all()


async def test_a_file_has_one_owner(locked: Harness) -> None:
    first = await locked.open()
    second = locked.store()
    with pytest.raises(FileInUse):
        await second.open()
    await locked.close(first)
    await second.open()  # the same store object tries again, as a starting service does
    assert await fill(second, "p1") == 1
    await second.close()


async def test_a_lease_that_runs_keeps_others_out(leased: Harness) -> None:
    await leased.open(holder="one")
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")
    leased.clock.advance(LEASE_SECONDS - 1)
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")


async def test_a_lease_that_was_given_back_is_free_at_once(leased: Harness) -> None:
    first = await leased.open(holder="one")
    await fill(first, "p1")
    await leased.close(first)
    assert await fill(await leased.open(holder="two"), "p1", expected=1) == 2


async def test_a_holder_that_lost_the_lease_is_refused_at_its_next_commit(leased: Harness) -> None:
    old = await leased.open(holder="one")
    await fill(old, "p1")
    leased.clock.advance(LEASE_SECONDS + 1)
    new = await leased.open(holder="two")
    assert await fill(new, "p1") == 2
    for stream in ("p1", "p2"):
        with pytest.raises(FencedOut, match="two"):
            await fill(old, stream)
    assert await fill(new, "p1") == 3
    assert [row[1:4] for row in await new.read(events)] == [(1, "p1", 1), (2, "p1", 2), (3, "p1", 3)]


async def test_two_processes_with_the_same_name_are_distinguished(leased: Harness) -> None:
    """Two machines with the same name and path, or a command beside the service: the name alone does not give the
    lease."""
    first = await leased.open(holder="one")
    with pytest.raises(LeaseHeld, match="one"):
        await leased.open(holder="one")
    assert await fill(first, "p1") == 1


async def test_a_holder_that_lost_the_lease_is_notified_once_so_that_it_ends(leased: Harness) -> None:
    losses: list[str] = []
    old = leased.store(holder="one", fenced_out=losses.append)
    await old.open()
    leased.clock.advance(LEASE_SECONDS + 1)
    await leased.open(holder="two")
    for _ in range(2):
        with pytest.raises(FencedOut):
            await fill(old, "p1")
    await asyncio.sleep(0)
    assert len(losses) == 1
    assert "two" in losses[0] and old.trouble() == losses[0]
    await old.close()


async def test_an_idle_holder_that_lost_the_lease_notices_at_the_next_renewal(leased: Harness) -> None:
    losses: list[str] = []
    old = leased.store(holder="one", fenced_out=losses.append)
    await old.open()
    await old._renew_lease()
    assert losses == []
    leased.clock.advance(LEASE_SECONDS + 1)
    await leased.open(holder="two")
    await old._renew_lease()
    assert len(losses) == 1
    await old.close()


async def test_a_holder_that_lost_the_lease_does_not_give_it_back(leased: Harness) -> None:
    old = await leased.open(holder="one")
    leased.clock.advance(LEASE_SECONDS + 1)
    new = await leased.open(holder="one")
    await leased.close(old)
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")
    assert await fill(new, "p1") == 1


class Installation:
    """The processes of one data folder with one PostgreSQL database."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self.lock_file = folder / "store" / "purses.lock"

    def backend(self, lock_file: Path | None = None) -> PostgresBackend:
        return PostgresBackend(self._url, "mailfold_purses", FileLock(lock_file or self.lock_file))

    def start_and_kill(self) -> None:
        """Start a process that writes, and kill it while it writes."""
        argv = [sys.executable, "-c", _WRITES_FOR_EVER, self._url, str(self.lock_file)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == "1\n"
            finally:
                process.kill()


_WRITES_FOR_EVER = """
import asyncio, pathlib, sys
from shared.eventstore.file_lock import FileLock
from shared.eventstore.postgres import PostgresBackend
from tests.contract.eventstore.harness import Harness, fill

async def main(url, lock):
    backend = PostgresBackend(url, "mailfold_purses", FileLock(pathlib.Path(lock)))
    store = await Harness(lambda: backend).open(holder="service")
    print(await fill(store, "p1"), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    return Installation(request.getfixturevalue("postgres_server").create_database(), tmp_path)


@pytest.fixture
async def installed(installation: Installation) -> AsyncIterator[Harness]:
    harness = Harness(installation.backend)
    yield harness
    await harness.close_all()


async def test_a_process_that_was_killed_is_followed_at_once(installation: Installation, installed: Harness) -> None:
    """Its lease is still valid, but its file lock is free, so it is known to be dead."""
    await asyncio.to_thread(installation.start_and_kill)
    store = await installed.open(holder="service")
    assert await fill(store, "p1", expected=1) == 2


async def test_another_installation_waits_for_the_lease_of_one_that_was_killed(
    installation: Installation, installed: Harness, tmp_path: Path
) -> None:
    await asyncio.to_thread(installation.start_and_kill)
    with pytest.raises(LeaseHeld):
        await installed.open(installation.backend(tmp_path / "other.lock"), holder="service")


async def test_a_copy_of_the_data_folder_is_another_installation(
    installation: Installation, installed: Harness, tmp_path: Path
) -> None:
    await asyncio.to_thread(installation.start_and_kill)
    copied = tmp_path / "copied.lock"
    shutil.copy(installation.lock_file, copied)
    with pytest.raises(LeaseHeld):
        await installed.open(installation.backend(copied), holder="service")


async def test_a_living_process_keeps_all_others_of_its_installation_out(installed: Harness) -> None:
    first = await installed.open(holder="service")
    for name in ("service", "command"):
        with pytest.raises(FileInUse):
            await installed.open(holder=name)
    assert await fill(first, "p1") == 1
    await installed.close(first)
    assert await fill(await installed.open(holder="command"), "p1") == 2


async def test_a_start_that_does_not_get_the_lease_forgets_no_predecessor(
    installation: Installation, installed: Harness
) -> None:
    """After a kill between two tries, the next process still knows its predecessor."""
    await asyncio.to_thread(installation.start_and_kill)
    lock = FileLock(installation.lock_file)
    lock.take()
    (killed,) = lock.signatures
    lock.sign(killed, "a start that ended before it had the lease")
    lock.release()
    assert await fill(await installed.open(holder="service"), "p1", expected=1) == 2

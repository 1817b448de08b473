"""Reading the end of a log reads only its end, however long the log and its events are.

SQLite only, because it reads in our process.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.contract.eventstore.harness import Harness, MakeBackend, fill
from tests.contract.eventstore.sample import purses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bytes read are counted in /proc")
_LONG = bytes(9000)
"""As large as an event with a hundred messages."""


def _read_so_far() -> int:
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(lines[0].removeprefix("rchar: "))


async def _look_at_the_end(harness: Harness) -> int:
    """Octets that a follower's call reads when nothing of the store's file is in memory."""
    store = await harness.open()
    shards = await store.heads()
    await harness.close(store)
    store = await harness.open()
    (shard, position), *_ = shards.items()
    before = _read_so_far()
    last = await store.read_events(shard, position - 1)
    read = _read_so_far() - before
    await harness.close(store)
    assert [entry.position for entry in last] == [position]
    return read


async def _lengthen(harness: Harness, events: int) -> None:
    store = await harness.open()
    await asyncio.gather(*(fill(store, "p1", note=_LONG) for _ in range(events)))
    await harness.close(store)


async def test_the_end_of_a_long_log_is_read_like_that_of_a_short_one(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    await _lengthen(harness, 20)
    short = await _look_at_the_end(harness)
    await _lengthen(harness, 2000)
    # Two more levels in the trees of row ids and of positions, with a page each, but not the other events.
    assert await _look_at_the_end(harness) <= short + 4 * 4096


async def test_what_was_just_written_is_not_read_from_the_file(sqlite_backend: MakeBackend) -> None:
    harness = Harness(sqlite_backend)
    store = await harness.open()
    for coins in range(1, 4):
        await fill(store, "p1", coins)
        before = _read_so_far()
        content = await store.read(purses)
        assert _read_so_far() - before < 4096
        assert [row[1] for row in content] == [sum(range(coins + 1))]
    await harness.close(store)

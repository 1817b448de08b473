"""The budget of a turn: counted pieces of work between two turns of the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import act
from shared.turns import FILE, KEY, OCTET, ROW, SHARE, Turns, Work

PIECE = 100
"""Rows in a piece of work."""
ALLOWED = SHARE // (ROW * PIECE)
"""Pieces of work that use up a budget."""


class Watch:
    """Counts the work in each turn of the event loop."""

    def __init__(self) -> None:
        self.done = 0
        self.most = 0
        self.turns = 0
        self._watching = True

    def start(self) -> None:
        asyncio.get_running_loop().call_soon(self._look, self.done)

    def stop(self) -> None:
        self._watching = False

    def _look(self, before: int) -> None:
        self.turns += 1
        self.most = max(self.most, self.done - before)
        if self._watching:
            asyncio.get_running_loop().call_soon(self._look, self.done)


async def grind(turns: Turns, pieces: int, note: Callable[[], None]) -> None:
    for _ in range(pieces):
        note()
        await turns.spend(rows=PIECE)


async def test_many_works_share_one_turn() -> None:
    """A hundred works that begin at once delay others no longer than one work does."""
    turns, watch = Turns(), Watch()

    def note() -> None:
        watch.done += 1

    watch.start()
    await asyncio.gather(*(grind(turns, 50, note) for _ in range(100)))
    watch.stop()
    # All begin in the same turn, each with its present piece; from then on they run one at a time.
    assert watch.done == 5000
    assert watch.most <= 100 + ALLOWED
    turns.longest = Work()
    watch.most = 0
    watch.start()
    await asyncio.gather(*(grind(turns, 50, note) for _ in range(2)))
    assert watch.most <= ALLOWED + 1
    assert turns.longest.cost <= SHARE + ROW * PIECE
    watch.stop()


async def test_little_work_does_not_wait() -> None:
    turns, done = Turns(), []

    async def little() -> None:
        await turns.spend(rows=1, octets=100, keys=3)
        done.append(1)

    task = asyncio.ensure_future(little())
    await asyncio.sleep(0)
    assert done
    await task


async def test_accounts_take_turns() -> None:
    """Fifty works of one account leave half of the turns to the single work of another account."""
    turns: Turns = Turns()
    pieces: Counter[str] = Counter()

    async def of(account: str, count: int) -> None:
        act(Provenance(Actor("account", account)))
        await grind(turns, count, lambda: pieces.update([account]))

    many = [asyncio.ensure_future(of("a-many", 500)) for _ in range(50)]
    await of("a-one", 200)
    assert pieces["a-many"] <= 200 + 50 + 3 * ALLOWED
    for task in many:
        task.cancel()
    await asyncio.gather(*many, return_exceptions=True)


async def test_one_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    turns = Turns(share=1)
    first = asyncio.ensure_future(turns.spend(rows=1))
    second = asyncio.ensure_future(turns.spend(rows=1))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled() or first.done()


async def test_the_longest_turn_is_known() -> None:
    turns = Turns()
    turns.count(rows=2, octets=3, keys=4, files=5)
    turns.count(rows=1)
    await asyncio.sleep(0)
    assert turns.longest == Work(3, 3, 4, 5)
    assert turns.longest.cost == 3 * ROW + 3 * OCTET + 4 * KEY + 5 * FILE
    turns.count(rows=1)
    await asyncio.sleep(0)
    assert turns.longest.rows == 3

"""Sharing the turns of an event loop among the works that grow with a mailbox, a message, a list or a command.

A loop serves everybody in turns. Whoever does work that grows does it in small pieces and counts each with `spend`;
when the works of one turn together have used up its share, they wait, and the next turn belongs to one of those that
wait, account by account. So however many such works there are, a turn stays short, and whoever asks for little (a NOOP,
a greeting, an acceptance) is served in the next turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import NamedTuple

from shared.grpc.call import current_provenance

SHARE = 5_000_000
"""What one turn gives to works that grow, in units of about a nanosecond: 5 ms."""
ROW, OCTET, KEY, FILE = 5_000, 10, 500, 100_000
"""What a row read or written, an octet looked at or sent, a key compared and a file opened cost, in the same units.
Rather too much than too little: a share that is used up too early costs microseconds, one that comes too late makes
others wait.
"""


class Work(NamedTuple):
    """An amount of work."""

    rows: int = 0
    octets: int = 0
    keys: int = 0
    files: int = 0

    @property
    def cost(self) -> int:
        """In the units of SHARE."""
        return self.rows * ROW + self.octets * OCTET + self.keys * KEY + self.files * FILE


class Turns:
    """Belongs to one loop; everything that runs on it shares one."""

    def __init__(self, share: int = SHARE) -> None:
        self._share = share
        self._spent = 0
        self._is_ending = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._work = [0, 0, 0, 0]
        self.longest = Work()
        """The work of the turn that had most, since the start or since it was last set."""

    async def spend(self, rows: int = 0, octets: int = 0, keys: int = 0, files: int = 0) -> None:
        """Count a piece of work that was just done. Returns at once, or, when the share of this turn is used up, in a
        later turn.
        """
        self.count(rows, octets, keys, files)
        if self._spent >= self._share:
            await self._later()

    def count(self, rows: int = 0, octets: int = 0, keys: int = 0, files: int = 0) -> None:
        """As `spend`, where nothing can be awaited: others wait for it."""
        work = self._work
        work[0] += rows
        work[1] += octets
        work[2] += keys
        work[3] += files
        self._spent += rows * ROW + octets * OCTET + keys * KEY + files * FILE
        if not self._is_ending:
            self._end_soon()

    @property
    def is_spent(self) -> bool:
        """Whether this turn has no share left."""
        return self._spent >= self._share

    async def _later(self) -> None:
        future = asyncio.get_running_loop().create_future()
        whose = current_provenance().actor.id
        self._waiting.setdefault(whose, deque()).append(future)
        await future

    def _end_soon(self) -> None:
        self._is_ending = True
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """The first thing that is sure to run after everything of the turn; whoever is let on runs in the next."""
        if self._spent > self.longest.cost:
            self.longest = Work(*self._work)
        self._spent = 0
        self._work = [0, 0, 0, 0]
        self._is_ending = False
        if self._let_on() and self._waiting:
            self._end_soon()

    def _let_on(self) -> bool:
        """Wake one of those that wait; each account in its turn."""
        while self._waiting:
            whose, futures = self._waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self._waiting[whose] = futures
            if not future.done():
                future.set_result(None)
                return True
        return False

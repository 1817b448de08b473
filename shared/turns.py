"""Shares the turns of an event loop among work that grows with a mailbox, a message, a list or a command.

Such work is done in small pieces, and each piece is counted with `spend`. When the pieces of one turn have used up its
share, further pieces wait; the next turns serve the waiting ones, account by account. So a turn stays short, however
much such work there is, and small requests (a NOOP, a greeting, an acceptance) are served in the next turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import NamedTuple

from shared.grpc.call import current_provenance

SHARE = 5_000_000
"""The share of one turn for such work, in units of about a nanosecond: 5 ms."""
ROW, OCTET, KEY, FILE = 5_000, 10, 500, 100_000
"""The costs of a row read or written, an octet examined or sent, a key compared and a file opened, in the same units.
They are estimated high: ending a turn too early costs microseconds, ending it too late makes others wait."""


class Work(NamedTuple):
    """An amount of work."""

    rows: int = 0
    octets: int = 0
    keys: int = 0
    files: int = 0

    @property
    def cost(self) -> int:
        """The cost in units of SHARE."""
        return self.rows * ROW + self.octets * OCTET + self.keys * KEY + self.files * FILE


class Turns:
    """The turns of one event loop; all work on the loop shares one instance."""

    def __init__(self, share: int = SHARE) -> None:
        self._share = share
        self._spent = 0
        self._is_ending = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._work = [0, 0, 0, 0]
        self.longest = Work()
        """The work of the turn with the most work, since the start or since it was last reset."""

    async def spend(self, rows: int = 0, octets: int = 0, keys: int = 0, files: int = 0) -> None:
        """Count a piece of work that was just done.

        Returns at once, or in a later turn when the share of this turn is used up.
        """
        self.count(rows, octets, keys, files)
        if self._spent >= self._share:
            await self._later()

    def count(self, rows: int = 0, octets: int = 0, keys: int = 0, files: int = 0) -> None:
        """Count like `spend` where nothing can be awaited; other work waits for it."""
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
        """Whether the share of this turn is used up."""
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
        """End the turn. It runs after everything else of the turn, and woken work runs in the next one."""
        if self._spent > self.longest.cost:
            self.longest = Work(*self._work)
        self._spent = 0
        self._work = [0, 0, 0, 0]
        self._is_ending = False
        if self._let_on() and self._waiting:
            self._end_soon()

    def _let_on(self) -> bool:
        """Wake one of the waiting pieces of work; accounts take turns."""
        while self._waiting:
            whose, futures = self._waiting.popitem(last=False)
            future = futures.popleft()
            if futures:
                self._waiting[whose] = futures
            if not future.done():
                future.set_result(None)
                return True
        return False

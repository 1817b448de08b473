"""Rounds through the receptions in the store, in which each reception that is not in the schedule is repeated once.

A round is slow while no mail is settled, because more repeats do not bring a missing service back. When the mails of a
page are settled, the next page follows at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.ingress.handlers.receptions import Receptions
from shared.background import BackgroundTask, woken_within
from shared.eventstore.connection import StoreUnavailable

log = structlog.get_logger("ingress")
_PAGE = 100
_SLOW_RATE = 50.0
"""Repeats per second while nothing is settled; they cost some hundredths of a core."""
_PATIENCE = 600.0
"""Seconds that a page of a round may take before the task is reported as not well."""
_LONGEST_PAUSE = 1.0

Turn = Callable[[str, int], Awaitable[bool]]
"""Repeats a reception, given its queue id and time of acceptance (UTC microseconds); returns whether it was published.
"""


class Rounds:
    """The receptions of one state, in rounds that begin at least `seconds` apart."""

    def __init__(self, receptions: Receptions, state: str, seconds: float, turn: Turn) -> None:
        self._receptions = receptions
        self._state = state
        self._seconds = seconds
        self._turn = turn
        self._after = ""
        self._asked: set[str] = set()
        self._progress = asyncio.Event()
        self._task = BackgroundTask(
            "ingress",
            f"rounds-{state}",
            self._serve_once,
            longest=seconds + _PATIENCE,
            not_now=(StoreUnavailable,),
            longest_pause=_LONGEST_PAUSE,
        )
        self._look = asyncio.Event()
        self.number = 0
        """Number of finished rounds."""
        self.met = 0
        """Receptions in the last round, or in the present one when they are more."""

    def start(self) -> None:
        """Begin the first round."""
        self._task.start()

    async def stop(self) -> None:
        """End the rounds."""
        await self._task.stop()

    async def _serve_once(self) -> None:
        """Do a round and wait for the next one. Raises StoreUnavailable; the next call continues at the same place."""
        self._look.clear()
        end = asyncio.get_running_loop().time() + self._seconds
        await self._round()
        self.number += 1
        await woken_within(self._look, max(0.0, end - asyncio.get_running_loop().time()))

    def look(self) -> None:
        """Begin the next round now."""
        self._look.set()

    def settled(self, queue_id: str) -> None:
        """Note that a reception is settled."""
        if queue_id in self._asked:
            self._asked.discard(queue_id)
            self._progress.set()

    async def _round(self) -> None:
        met = 0
        while page := await self._receptions.page(self._state, self._after, _PAGE):
            self._asked = {queue_id for queue_id, _ in page}
            asked = sum(await asyncio.gather(*(self._try(queue_id, at) for queue_id, at in page)))
            self._after = page[-1][0]
            met += len(page)
            self.met = max(self.met, met)
            await self._rest(len(page), asked)
            self._task.advanced()
        self._after, self.met = "", met

    async def _try(self, queue_id: str, at: int) -> bool:
        """Repeat a reception. An unforeseen error is logged, so that the receptions behind it are repeated as well."""
        try:
            return await self._turn(queue_id, at)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.error("ingress.turn_failed", queue_id=queue_id, exc_info=error)
            return True

    async def _rest(self, met: int, asked: int) -> None:
        """Wait until half of the published receptions are settled, or for the time limit."""
        end = asyncio.get_running_loop().time() + asked / _SLOW_RATE
        enough = met - asked // 2
        while len(self._asked) > enough and (left := end - asyncio.get_running_loop().time()) > 0:
            self._progress.clear()
            await woken_within(self._progress, left)
        await asyncio.sleep(0)

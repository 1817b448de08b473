"""Argon2id in a few threads (RFC 9106), with 19 MiB, two passes and one lane: about 20 ms for each password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from services.directory.domain import ready_hashes
from services.directory.domain.fair_queue import FairQueue

T = TypeVar("T")
MEMORY_KIB = 19 * 1024
PASSES = 2


class TooManyWaiting(Exception):
    """Too many passwords are waiting to be hashed."""


class PasswordHasher:
    """Hashes passwords in threads.

    The number of hashes at once and of those waiting is bounded, so that a flood of log-ins takes neither all memory
    nor all CPUs. Clients take turns, so that a flood from one network does not keep others waiting.
    """

    def __init__(self, concurrent: int, waiting: int) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._pool = ThreadPoolExecutor(concurrent, thread_name_prefix="password")
        self._concurrent = concurrent
        self._running = 0
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue(waiting)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The hash of a new password. Raises TooManyWaiting."""
        return await self._run("", lambda: self.hash_here(password))

    def hash_here(self, password: str) -> str:
        """The hash of a new password, computed in this thread."""
        return self._argon2.hash(password)

    async def verify(self, stored: str, password: str, client: str = "") -> bool:
        """Whether the password is right; computed when it is this client's turn.

        An empty `stored` takes the same time and is never right. Raises TooManyWaiting.
        """
        if not stored and not self._nobody:
            self._nobody = await self.hash("nobody")
        compared = stored or self._nobody
        return await self._run(client, lambda: self._fits(compared, password)) and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash that was made elsewhere should be replaced by one of ours."""
        try:
            return bool(stored) and (ready_hashes.is_known(stored) or self._argon2.check_needs_rehash(stored))
        except argon2.exceptions.InvalidHashError:
            return False

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fits(self, stored: str, password: str) -> bool:
        if ready_hashes.is_known(stored):
            return ready_hashes.fits(stored, password)
        try:
            return self._argon2.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, client: str, work: Callable[[], T]) -> T:
        await self._turn(client)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pass_on()

    async def _turn(self, client: str) -> None:
        """Wait for a free thread."""
        if self._running < self._concurrent:
            self._running += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        displaced = self._waiting.put(client, turn)
        if displaced is not None and not displaced.done():
            displaced.set_exception(TooManyWaiting())
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the thread to the next waiting client."""
        while (turn := self._waiting.take()) is not None:
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

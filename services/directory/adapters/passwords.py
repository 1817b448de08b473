"""Argon2id in a few threads (RFC 9106): 19 MiB, two passes, one lane; about 20 ms each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

T = TypeVar("T")
MEMORY_KIB = 19 * 1024
PASSES = 2


class TooManyWaiting(Exception):
    """So many passwords wait to be hashed that one more is not taken."""


class PasswordHasher:
    """Hashes off the loop; how many at once and how many wait is bounded, so that a flood of log-ins takes neither
    memory nor all CPUs.
    """

    def __init__(self, concurrent: int, waiting: int) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._pool = ThreadPoolExecutor(concurrent, thread_name_prefix="password")
        self._limit = concurrent + waiting
        self._pending = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The hash to store. Raises TooManyWaiting."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, stored: str, password: str) -> bool:
        """Whether the password fits; an empty `stored` costs the same and never fits. Raises TooManyWaiting."""
        if not stored and not self._nobody:
            self._nobody = await self.hash("nobody")
        compared = stored or self._nobody
        return await self._run(lambda: self._fits(compared, password)) and bool(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise TooManyWaiting
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1

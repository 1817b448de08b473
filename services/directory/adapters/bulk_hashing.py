"""Hashes many passwords side by side, in as many threads as there are cores."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class BulkHasher:
    """Threads that exist from the first password of an import on; log-ins have threads of their own."""

    def __init__(self, hash_here: Callable[[str], str]) -> None:
        """`hash_here` computes a hash in the calling thread."""
        self._hash_here = hash_here
        self._pool: ThreadPoolExecutor | None = None

    async def hash_all(self, passwords: Sequence[str]) -> list[str]:
        """The hashes of passwords, in their order."""
        if not passwords:
            return []
        self._pool = self._pool or ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="import-password")
        loop = asyncio.get_running_loop()
        hashing = [loop.run_in_executor(self._pool, self._hash_here, password) for password in passwords]
        return list(await asyncio.gather(*hashing))

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

"""Grouped commits: commits that arrive together share one hand-over to a thread and one folder sync.

All state belongs to the event loop; a thread sees only its group. While `threads` groups are being written, new commits
wait and become the next group. So groups grow with the load, and a single commit does not wait.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from shared.blobs.disk import Disk
from shared.blobs.durable import Pending, make_durable
from shared.blobs.errors import BlobError

_Entry = tuple[Pending, "asyncio.Future[None]"]


class CommitQueue:
    """Commits files in groups of at most `group_limit` on at most `threads` threads. Serves one event loop."""

    def __init__(self, disk: Disk, threads: int, group_limit: int) -> None:
        self._disk = disk
        self._threads = threads
        self._group_limit = group_limit
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="blob-commit")
        self._waiting: list[_Entry] = []
        self._in_flight = 0
        self._scheduled = False
        self._drained: asyncio.Future[None] | None = None

    def submit(self, pending: Pending) -> "asyncio.Future[None]":
        """Commit a file; returns when file and folder are on stable storage. Raises the `BlobError` of that file."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        self._waiting.append((pending, answer))
        if not self._scheduled and self._in_flight < self._threads:
            # Start later, so that other commits of this turn of the event loop join the group.
            self._scheduled = True
            loop.call_soon(self._dispatch, loop)
        return answer

    async def close(self) -> None:
        """Wait for everything that was submitted, then stop the threads."""
        if self._waiting or self._in_flight:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        self._pool.shutdown()

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        while self._waiting and self._in_flight < self._threads:
            group, self._waiting = self._waiting[: self._group_limit], self._waiting[self._group_limit :]
            self._in_flight += 1
            self._pool.submit(self._run, group, loop)

    def _run(self, group: list[_Entry], loop: asyncio.AbstractEventLoop) -> None:
        try:
            make_durable([pending for pending, _ in group], self._disk)
        finally:
            loop.call_soon_threadsafe(self._answer, group, loop)

    def _answer(self, group: list[_Entry], loop: asyncio.AbstractEventLoop) -> None:
        self._in_flight -= 1
        for pending, answer in group:
            _settle(answer, pending.error)
        self._dispatch(loop)
        if self._drained is not None and not self._waiting and not self._in_flight and not self._drained.done():
            self._drained.set_result(None)


def _settle(answer: "asyncio.Future[None]", error: BlobError | None) -> None:
    if answer.done():  # The caller was cancelled. The blob stays, and is swept when nothing refers to it.
        return
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)

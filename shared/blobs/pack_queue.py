"""Writes small blobs into the pack of this process: those that arrive together are one transaction.

The statements run on the event loop, where each costs some microseconds; a thread runs the commit, which waits for the
disk. While it does, new blobs wait and become the next group. All state belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.blobs.errors import BlobError
from shared.blobs.pack_file import PackConnection

_GROUP_BLOBS, _GROUP_OCTETS = 128, 1 << 20
"""The largest group: some milliseconds on the event loop."""
_WAITS = 30.0
"""Seconds for which the thread waits for another process that writes to the pack."""


class _Waiting:
    """A blob that is to be written."""

    __slots__ = ("answer", "digest", "stamp", "stored")

    def __init__(self, digest: bytes, stored: bytes, answer: asyncio.Future[str]) -> None:
        self.digest, self.stored, self.answer = digest, stored, answer
        self.stamp = ""


class PackQueue:
    """The writer of a pack. Serves one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="blob-pack")
        self._connection: PackConnection | None = None
        self._patient: PackConnection | None = None
        self._waiting: list[_Waiting] = []
        self._is_busy = False
        self._last = 0
        self._drained: asyncio.Future[None] | None = None

    def submit(self, digest: bytes, stored: bytes) -> asyncio.Future[str]:
        """Write a blob; returns its stamp when it is on stable storage. Raises `BlobError`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        self._waiting.append(_Waiting(digest, stored, answer))
        if not self._is_busy:
            # Start later, so that other blobs of this turn of the event loop join the group.
            self._is_busy = True
            loop.call_soon(self._dispatch, loop)
        return answer

    async def close(self) -> None:
        """Wait for everything that was submitted, then close the pack."""
        if self._is_busy:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        self._pool.shutdown()
        for connection in (self._connection, self._patient):
            if connection is not None:
                connection.close()

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        group = self._next_group()
        if not group:
            self._is_busy = False
            if self._drained is not None and not self._drained.done():
                self._drained.set_result(None)
            return
        try:
            connection = self._opened()
            if connection.begin():
                self._write(connection, group)
                self._pool.submit(self._commit, connection, group, loop)
            else:
                self._pool.submit(self._commit_patiently, group, loop)
        except BlobError as error:
            loop.call_soon(self._answer, group, error, loop)

    def _next_group(self) -> list[_Waiting]:
        count = octets = 0
        for waiting in self._waiting[:_GROUP_BLOBS]:
            octets += len(waiting.stored)
            if count and octets > _GROUP_OCTETS:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    def _opened(self) -> PackConnection:
        if self._connection is None:
            self._connection = PackConnection(self._path, waits=0, is_durable=True)
        return self._connection

    def _write(self, connection: PackConnection, group: Sequence[_Waiting]) -> None:
        """Write the rows of a group. Each has a time of its own, so that a stamp names one commit of a body."""
        try:
            for waiting in group:
                self._last = max(time.time_ns(), self._last + 1)
                waiting.stamp = connection.put(waiting.digest, self._last, waiting.stored)
        except BlobError:
            connection.roll_back()
            raise

    def _commit(self, connection: PackConnection, group: list[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
        error: BlobError | None = BlobError("commit did not finish")
        try:
            connection.commit()
            error = None
        except BlobError as problem:
            error = problem
        finally:
            loop.call_soon_threadsafe(self._answer, group, error, loop)

    def _commit_patiently(self, group: list[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """Write a group in the thread, while another process writes to the pack."""
        error: BlobError | None = BlobError("commit did not finish")
        try:
            if self._patient is None:
                self._patient = PackConnection(self._path, waits=_WAITS, is_durable=True)
            if not self._patient.begin():
                raise BlobError("another process writes to the pack for too long")
            self._write(self._patient, group)
            self._patient.commit()
            error = None
        except BlobError as problem:
            error = problem
        finally:
            loop.call_soon_threadsafe(self._answer, group, error, loop)

    def _answer(self, group: list[_Waiting], error: BlobError | None, loop: asyncio.AbstractEventLoop) -> None:
        for waiting in group:
            if waiting.answer.done():  # The caller was cancelled. The blob stays, and is swept.
                continue
            if error is None:
                waiting.answer.set_result(waiting.stamp)
            else:
                waiting.answer.set_exception(error)
        self._dispatch(loop)

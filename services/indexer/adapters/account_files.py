"""The files of accounts, read and written in threads. A broken file is removed, because the index can be made again."""

from __future__ import annotations

import asyncio
import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw
import structlog
import zstandard

from services.indexer.adapters.account_file import AccountFile, OtherFile
from services.indexer.adapters.open_accounts import OpenAccounts, Opener
from services.indexer.domain.engine import IndexUnavailable

log = structlog.get_logger("indexer")
T = TypeVar("T")
_BROKEN = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.ConstraintError, zstandard.ZstdError, OtherFile)
_UNAVAILABLE = (
    apsw.AuthError,
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
    apsw.TooBigError,
    OSError,
)


class AccountFiles:
    """Runs work on the files of a folder. All methods raise IndexUnavailable.

    `open_files` accounts are kept open at most, and none that was idle for `idle_seconds`.
    """

    def __init__(
        self, folder: Path, opener: Opener, *, open_files: int, idle_seconds: float = 60.0, threads: int = 4
    ) -> None:
        self._begun_anew: deque[str] = deque()
        self._lost: Callable[[str], None] = lambda _account: None
        self._accounts = OpenAccounts(folder, opener, open_files, self._begun_anew.append)
        self._idle_seconds = idle_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="text-index")
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def when_lost(self, call: Callable[[str], None]) -> None:
        """Call this with each account whose file was broken, or of another version, and is empty now."""
        self._lost = call

    def path(self, account: str) -> Path:
        """Where the file of an account is."""
        return self._accounts.path(account)

    async def accounts(self) -> Sequence[str]:
        """The accounts that have a file."""
        return await self._in_thread(self._accounts.accounts)

    async def read(self, account: str, work: Callable[[apsw.Connection], T], nothing: T) -> T:
        """The result of reading work; `nothing` when the account has no file."""
        result = await self.use(account, lambda file: file.read(work), begin=False)
        return nothing if result is None else result

    async def write(self, account: str, work: Callable[[apsw.Connection], T], *, begin: bool = True) -> T | None:
        """Run writing work as a transaction; None when the account has no file and none is to be begun."""
        return await self.use(account, lambda file: file.write(work), begin=begin)

    async def use(self, account: str, work: Callable[[AccountFile], T], *, begin: bool) -> T | None:
        """Run work with the file of an account."""
        self._close_idle_later()
        try:
            return await self._in_thread(self._used, account, work, begin)
        finally:
            while self._begun_anew:
                self._lost(self._begun_anew.popleft())

    async def remove(self, account: str) -> None:
        """Remove the file of an account with all that is beside it."""
        await self._in_thread(self._accounts.remove, account)

    async def discard(self) -> None:
        """Close all files, and delete them."""
        await self.close()
        await asyncio.to_thread(self._accounts.discard)

    async def close(self) -> None:
        """Wait for what runs, and close all files."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.shutdown()
        self._accounts.close()

    def _used(self, account: str, work: Callable[[AccountFile], T], begin: bool) -> T | None:
        try:
            with self._accounts.using(account, begin=begin) as file:
                return None if file is None else work(file)
        except _BROKEN as error:
            log.error("indexer.broken", account=account, reason=f"{type(error).__name__}: {error}")
            self._accounts.remove(account)
            self._begun_anew.append(account)
            raise IndexUnavailable("the index of this account is broken and was removed") from error

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except _UNAVAILABLE as error:
            raise IndexUnavailable(f"{type(error).__name__}: {error}") from error

    def _close_idle_later(self) -> None:
        if self._timer is None and not self._is_closed:
            self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._close_idle)

    def _close_idle(self) -> None:
        self._timer = None
        self._threads.submit(self._close_idle_now, asyncio.get_running_loop())

    def _close_idle_now(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            still_open = self._accounts.close_idle(self._idle_seconds)
            _give_memory_back()
            if still_open:
                loop.call_soon_threadsafe(self._close_idle_later)
        except (apsw.Error, OSError) as error:
            log.warning("indexer.not_closed", reason=str(error))


def _give_memory_back() -> None:
    """Return memory that SQLite freed to the system, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

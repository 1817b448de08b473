"""The accounts of the OpenSearch engine: their files, and the index that the files are about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import apsw
import structlog

from services.indexer.adapters import opensearch_notes as noting
from services.indexer.adapters.account_file import AccountFile
from services.indexer.adapters.account_files import AccountFiles
from services.indexer.adapters.opensearch_index import TextIndexInOpenSearch
from services.indexer.domain.engine import ALL_ACCOUNTS, IndexUnavailable
from shared.background import begin

log = structlog.get_logger("indexer")
T = TypeVar("T")
_REFRESH_DELAY = 1.0
_EXPUNGE_DELAY = 60.0
"""Seconds after which OpenSearch has released what was deleted: it keeps it for copies that may lack it, and looks at
them every 30 seconds."""
_UNREFRESHED = 20_000
"""Documents after which the index is refreshed, so that they need not be remembered."""


class OpenSearchAccounts:
    """Reads and writes the files, unless the index that they are about is another one now: then they begin anew.

    All methods raise IndexUnavailable.
    """

    def __init__(self, folder: Path, index: TextIndexInOpenSearch, open_files: int) -> None:
        self.index = index
        self.files = AccountFiles(folder, _opened, open_files=open_files)
        self._lost: Callable[[str], None] = lambda _account: None
        self._later: asyncio.TimerHandle | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._expunging: asyncio.Task[None] | None = None

    def when_lost(self, call: Callable[[str], None]) -> None:
        """Call this with each account whose index begins anew, or with ALL_ACCOUNTS."""
        self._lost = call
        self.files.when_lost(call)
        self.index.when_made(lambda: call(ALL_ACCOUNTS))

    async def read(self, account: str, work: Callable[[apsw.Connection], T], nothing: T) -> T:
        """The result of reading work; `nothing` when the account has no file."""
        identity = await self.index.ready()

        def checked(file: apsw.Connection) -> T:
            noting.check_origin(file, identity)
            return work(file)

        return await self.files.read(account, checked, nothing)

    async def write(self, account: str, work: Callable[[apsw.Connection], T], *, begins: bool = False) -> T | None:
        """Run writing work as a transaction; None when the account has no file and none is to be begun."""
        identity = await self.index.ready()

        def checked(file: apsw.Connection) -> T:
            noting.belong(file, identity)
            return work(file)

        return await self.files.write(account, checked, begin=begins)

    async def sizes(self, account: str, numbers: Sequence[int]) -> Mapping[int, noting.TextSize]:
        """The sizes of at most 500 documents."""
        nothing: dict[int, noting.TextSize] = {}
        return await self.files.read(account, lambda file: noting.sizes(file, numbers), nothing)

    async def begin_anew(self, account: str, reason: str) -> None:
        """Remove the file of an account, so that its messages are handed over again. Raises IndexUnavailable."""
        log.warning("indexer.begun_anew", account=account, reason=reason)
        await self.files.remove(account)
        self._lost(account)
        raise IndexUnavailable(f"the index of this account begins anew: {reason}")

    async def written(self) -> None:
        """Documents were written: refresh in a moment, so that a search need not."""
        if self.index.unrefreshed.count > _UNREFRESHED:
            await self.index.refresh()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(_REFRESH_DELAY, self._begin_refresh)

    def _begin_refresh(self) -> None:
        self._later = None
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = begin(self._refresh(), "refresh of the text index")

    async def _refresh(self) -> None:
        try:
            await self.index.refresh()
        except IndexUnavailable as error:  # a search or the next write refreshes
            log.info("indexer.not_refreshed", reason=str(error))

    async def expunge(self) -> None:
        """Let OpenSearch rewrite its files without what was deleted: now, and when it has released the rest."""
        await self._index_merge()
        if self._expunging is None or self._expunging.done():
            self._expunging = begin(self._expunge_again(), "deleted texts leave the disks")

    async def _expunge_again(self) -> None:
        await asyncio.sleep(_EXPUNGE_DELAY)
        try:
            await self._index_merge()
        except IndexUnavailable as error:  # later merges of OpenSearch do it
            log.info("indexer.not_expunged", reason=str(error))

    async def _index_merge(self) -> None:
        await self.index.request("POST", "_flush", force="true")
        await self.index.request("POST", "_forcemerge", only_expunge_deletes="true", wait_for_completion="false")

    async def close(self) -> None:
        """Close all files and connections."""
        if self._later is not None:
            self._later.cancel()
        for task in (self._refreshing, self._expunging):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.files.close()
        await self.index.close()


def _opened(path: Path) -> AccountFile:
    return AccountFile(path, noting.NOTES_VERSION, noting.SCHEMA, lambda _connection: None)

"""An index of texts in OpenSearch: made when it is missing, refreshed, and left alone while OpenSearch does not answer.

Writes go to an alias of the index that must exist. So a write never makes an index with a mapping that OpenSearch
guesses, after somebody has deleted ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from services.indexer.adapters.opensearch_mapping import VERSION, index_body
from services.indexer.adapters.unrefreshed import Unrefreshed
from services.indexer.domain.engine import IndexUnavailable
from shared.opensearch.bulk import BulkOutcome, BulkWrite, bulk
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchError, OpenSearchMissing, OpenSearchRefused
from shared.opensearch.searching import whole

log = structlog.get_logger("indexer")
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_PATIENCE = 1.0
"""Seconds after which a caller that gives up was kept waiting by OpenSearch."""


class TextIndexInOpenSearch:
    """The index of a generation. All methods raise IndexUnavailable."""

    def __init__(
        self, client: OpenSearchClient, generation: int, shards: int, refresh_seconds: float, *, is_serving: bool
    ) -> None:
        self.client = client
        self.name = client.name("text", str(generation))
        self.alias = f"{self.name}-write"
        self.unrefreshed = Unrefreshed()
        self._shown = client.name("text")
        self._shards = shards
        self._refresh_seconds = refresh_seconds
        self._is_serving = is_serving
        self._identity = ""
        """The id that OpenSearch gave the index; empty while it is not known that it exists."""
        self._made: Callable[[], None] = lambda: None
        self._is_open = False
        self._was_refreshed = False
        self._refreshed_at = float("-inf")
        self._preparing = asyncio.Lock()
        self._refreshing = asyncio.Lock()
        self._pause = 0.0
        self._silent_until = 0.0
        self._trouble = ""

    def when_made(self, call: Callable[[], None]) -> None:
        """Call this whenever the index was missing and is made."""
        self._made = call

    def _open(self) -> None:
        if not self._is_open:
            try:
                self.client.open()
            except OSError as error:
                raise IndexUnavailable(f"opensearch.ca_file: {error}") from error
            self._is_open = True

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    async def ready(self) -> str:
        """The id of the index, which is made if it is missing. Another index has another id."""
        if not self._identity:
            async with self._preparing:
                if not self._identity:
                    async with self.asking():
                        self._identity = await self._prepared()
                    self._was_refreshed = False
        return self._identity

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Requests within it: their errors become IndexUnavailable, and none is sent soon after one had no answer."""
        self._open()
        began = time.monotonic()
        if began < self._silent_until:
            raise IndexUnavailable(self._trouble)
        try:
            yield
        except OpenSearchMissing as error:
            self._identity = ""
            raise IndexUnavailable(f"the index is missing in OpenSearch: {error}") from error
        except OpenSearchError as error:
            if not error.status:
                self._no_answer(str(error))
            raise IndexUnavailable(str(error)) from error
        except asyncio.CancelledError:
            if time.monotonic() - began > _PATIENCE:
                self._no_answer("OpenSearch does not answer in time")
            raise
        self._pause = 0.0

    def _no_answer(self, trouble: str) -> None:
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._silent_until = time.monotonic() + self._pause
        self._trouble = trouble

    async def _prepared(self) -> str:
        """Make the index unless it is there as it should be."""
        if not (identity := await self._identified()):
            await self._delete(self.name)
            # A deletion in a missing index makes an index with the name that it was sent to.
            await self._delete(self.alias)
            body = index_body(self._shards, self.client.settings.replicas, self.alias)
            await self.client.request("PUT", f"/{self.name}", body, seconds=self.client.settings.write_seconds)
            identity = await self._identified()
            log.info("indexer.opensearch_index_made", index=self.name)
            self._made()
        if self._is_serving:
            await self._show()
        return identity

    async def _identified(self) -> str:
        """The id of the index; empty when it is missing or of another version."""
        try:
            described = (await self.client.request("GET", f"/{self.name}")).get(self.name, {})
        except OpenSearchMissing:
            return ""
        version = described.get("mappings", {}).get("_meta", {}).get("version")
        if version != VERSION or self.alias not in described.get("aliases", {}):
            return ""
        return str(described["settings"]["index"]["uuid"])

    async def _delete(self, name: str) -> None:
        try:
            await self.client.request("DELETE", f"/{name}", seconds=self.client.settings.write_seconds)
        except OpenSearchMissing:
            return
        except OpenSearchRefused as error:
            if error.status != 400:  # it is the alias of an index that exists
                raise

    async def serve(self) -> None:
        """Let the name of the installation's text index stand for this index."""
        self._is_serving = True
        if self._identity:
            async with self.asking():
                await self._show()

    async def _show(self) -> None:
        actions = [
            {"remove": {"index": self.client.name("text", "*"), "alias": self._shown, "must_exist": False}},
            {"add": {"index": self.name, "alias": self._shown}},
        ]
        await self.client.request("POST", "/_aliases", {"actions": actions})

    async def discard(self) -> None:
        """Delete the index with its aliases; without an address of OpenSearch it stays where it is."""
        if not self.client.settings.urls:
            log.warning("indexer.index_left", index=self.name, reason="opensearch.urls names no OpenSearch")
            return
        async with self.asking():
            await self._delete(self.name)
        self._identity = ""

    async def write(self, account: str, writes: Mapping[int, BulkWrite]) -> Sequence[int]:
        """Write documents by number; returns those that OpenSearch refuses. When it raises, some may be written."""
        self.unrefreshed.begin(account, writes)
        try:
            async with self.asking():
                outcome = await bulk(self.client, list(writes.values()))
                if outcome.unavailable is not None:
                    raise outcome.unavailable
        except BaseException:
            self.unrefreshed.failed(account, writes)
            raise
        self.unrefreshed.written(account, writes)
        return self._refused(outcome, writes)

    def _refused(self, outcome: BulkOutcome, writes: Mapping[int, BulkWrite]) -> list[int]:
        for refused in outcome.refused:
            log.warning("indexer.refused", document=refused.write.id, reason=str(refused.error))
        ids = {refused.write.id for refused in outcome.refused}
        return [number for number, operation in writes.items() if operation.id in ids]

    async def make_visible(self, account: str) -> None:
        """Refresh when documents of the account need it, unless the last refresh was a moment ago."""
        if self._was_refreshed and not self.unrefreshed.is_any_written(account):
            return
        if not self._was_refreshed or time.monotonic() - self._refreshed_at >= self._refresh_seconds:
            await self.refresh()

    async def refresh(self) -> None:
        """Let searches see everything that was written before."""
        asked = time.monotonic()
        async with self._refreshing:
            if self._was_refreshed and self._refreshed_at > asked:
                return  # another caller's refresh began after this call
            began = time.monotonic()
            with self.unrefreshed.covered_by_refresh():
                async with self.asking():
                    seconds = self.client.settings.write_seconds
                    whole(await self.client.request("POST", f"/{self.name}/_refresh", seconds=seconds))
            self._refreshed_at, self._was_refreshed = began, True

    async def count(self, query: Mapping[str, Any], account: str) -> int:
        """How many documents of an account a query gives."""
        return int(whole(await self.request("POST", "_count", query, routing=account))["count"])

    async def octets(self) -> int:
        """What the index takes on the disks of OpenSearch, its copies included."""
        answer = await self.request("GET", "_stats/store", filter_path="_all.total.store.size_in_bytes")
        return int(answer["_all"]["total"]["store"]["size_in_bytes"])

    async def request(self, method: str, action: str, body: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """The answer to a request about the index."""
        async with self.asking():
            seconds = self.client.settings.write_seconds
            return await self.client.request(method, f"/{self.name}/{action}", body, params=params, seconds=seconds)

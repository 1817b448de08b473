"""The data stream of events in OpenSearch: made, rolled over, dropped by generation, written and forgotten.

A data stream takes `create` only, and a document may be created a second time after a rollover. So whoever is not sure
whether events were written asks `known` before it writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shared.opensearch.bulk import CREATE, BulkOutcome, BulkWrite, bulk
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchMissing
from shared.opensearch.searching import search, whole

_TEMPLATE = Path(__file__).resolve().parents[3] / "ops" / "opensearch" / "events-template.json"
_AT_ONCE = 1_000


class Generation(NamedTuple):
    """A backing index of the stream, and the time of its newest event; 0 when it has none."""

    name: str
    newest: int


class EventStream:
    """The stream of one log."""

    def __init__(self, client: OpenSearchClient) -> None:
        self._client = client
        self.name = client.name("events")

    async def owner(self) -> str | None:
        """The token of the log whose copy the stream is; None when there is no stream."""
        try:
            answer = await self._client.request("GET", f"/{self.name}/_mapping")
        except OpenSearchMissing:
            return None
        newest = answer[max(answer)]
        return str(newest["mappings"].get("_meta", {}).get("copy", ""))

    async def make(self, token: str) -> None:
        """Apply the template and make the stream. A plain index with its name, which only a mistake makes, goes."""
        text = _TEMPLATE.read_text().replace("PREFIX-events", self.name).replace("TOKEN", token)
        template: dict[str, Any] = orjson.loads(text)
        template["template"]["settings"]["index"]["number_of_replicas"] = self._client.settings.replicas
        await self._client.request("PUT", f"/_index_template/{self.name}", template)
        await self._client.request("PUT", f"/_data_stream/{self.name}")

    async def remove(self) -> None:
        """Delete the stream and all that is in it."""
        try:
            await self._client.request("DELETE", f"/_data_stream/{self.name}", seconds=self._seconds)
        except OpenSearchMissing:
            await self._client.request("DELETE", f"/{self.name}", params={"ignore_unavailable": "true"})

    async def write(self, documents: Sequence[tuple[str, bytes]]) -> BulkOutcome:
        """Create documents by their ids."""
        return await bulk(
            self._client, [BulkWrite(CREATE, self.name, identity, source) for identity, source in documents]
        )

    async def refresh(self) -> None:
        """Let every search see what was written."""
        whole(await self._client.request("POST", f"/{self.name}/_refresh", seconds=self._seconds))

    async def known(self, ids: Sequence[int]) -> set[int]:
        """Those of these log ids that the stream has in any generation, also those just written."""
        await self.refresh()
        read: set[int] = set()
        for first in range(0, len(ids), _AT_ONCE):
            part = ids[first : first + _AT_ONCE]
            body = {
                "size": 2 * len(part),
                "_source": False,
                "query": {"terms": {"log_id": part}},
                "sort": [{"log_id": "asc"}],
            }
            read |= {hit["sort"][0] for hit in (await search(self._client, self.name, body))["hits"]["hits"]}
        return read

    async def forget(self, query: dict[str, Any]) -> None:
        """Delete what a query selects, until nothing is left, and take it out of the files. Raises OpenSearchError."""
        await self.refresh()
        params = {"conflicts": "proceed", "refresh": "true", "wait_for_completion": "true"}
        while await self.count(query):
            answer = await self._client.request(
                "POST", f"/{self.name}/_delete_by_query", {"query": query}, params=params, seconds=self._seconds
            )
            whole(answer)
            await self.refresh()

    async def expunge(self) -> None:
        """Take deleted documents out of the files."""
        params = {"only_expunge_deletes": "true"}
        await self._client.request("POST", f"/{self.name}/_forcemerge", params=params, seconds=10 * self._seconds)
        await self._client.request("POST", f"/{self.name}/_flush", seconds=self._seconds)

    async def count(self, query: dict[str, Any]) -> int:
        """The number of documents that a query selects."""
        body = {"size": 0, "track_total_hits": True, "query": query}
        return int((await search(self._client, self.name, body))["hits"]["total"]["value"])

    async def roll(self, days: int, octets: int) -> bool:
        """Begin a new generation when the present one has events and is old or large enough."""
        conditions = {"max_age": f"{days}d", "max_size": f"{octets}b"}
        answer = await self._client.request("POST", f"/{self.name}/_rollover", {"conditions": conditions})
        return bool(answer.get("rolled_over"))

    async def begin_generation(self) -> None:
        """Begin a new generation now."""
        await self._client.request("POST", f"/{self.name}/_rollover")

    async def generations(self) -> list[Generation]:
        """All generations, the one that is written last."""
        streams = await self._client.request("GET", f"/_data_stream/{self.name}")
        indices = [str(index["index_name"]) for index in streams["data_streams"][0]["indices"]]
        newest = {"size": 0, "aggs": {"newest": {"max": {"field": "at"}}}}
        answers = [(index, await search(self._client, index, newest)) for index in indices]
        return [Generation(index, int(answer["aggregations"]["newest"]["value"] or 0)) for index, answer in answers]

    async def drop(self, index: str) -> None:
        """Delete a generation, which is allowed on a full disk as well."""
        await self._client.request("DELETE", f"/{index}", seconds=self._seconds)

    @property
    def _seconds(self) -> float:
        return self._client.settings.write_seconds

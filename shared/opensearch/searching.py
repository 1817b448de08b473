"""Searches that are answered as a whole or not at all.

OpenSearch answers 200 also when shards have failed or time ran out; such an answer is an error here, no short list.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchError, OpenSearchUnavailable

log = structlog.get_logger("opensearch")
_WHOLE = {"allow_partial_search_results": "false"}
_KEEP_ALIVE = "2m"
Answer = Mapping[str, Any]


async def search(
    client: OpenSearchClient, index: str, body: Mapping[str, Any], params: Mapping[str, Any] | None = None
) -> Answer:
    """The whole answer; `index` is empty for a search in a point in time. Raises OpenSearchError."""
    seconds = client.settings.search_seconds
    limited = {"timeout": f"{int(seconds * 1000)}ms", **body}
    path = f"/{index}/_search" if index else "/_search"
    return whole(await client.request("POST", path, limited, params={**_WHOLE, **(params or {})}, seconds=seconds + 1))


def whole(answer: Answer) -> Answer:
    """The answer, when every shard has answered in time. Raises OpenSearchUnavailable."""
    failed = answer.get("_shards", {}).get("failed", 0)
    if answer.get("timed_out") or failed:
        reason = "ran out of time" if answer.get("timed_out") else f"has {failed} failed shards"
        raise OpenSearchUnavailable(f"the answer of OpenSearch is not whole: it {reason}", 200)
    return answer


@asynccontextmanager
async def point_in_time(client: OpenSearchClient, index: str, *, routing: str = "") -> AsyncIterator[str]:
    """The id of a view of an index that does not change while it is read. Raises OpenSearchError.

    With `routing` it is a view of the shard of these documents.
    """
    params = {"keep_alive": _KEEP_ALIVE, "allow_partial_pit_creation": "false"}
    if routing:
        params["routing"] = routing
    opened = await client.request("POST", f"/{index}/_search/point_in_time", params=params)
    try:
        yield str(opened["pit_id"])
    finally:
        try:
            await client.request("DELETE", "/_search/point_in_time", {"pit_id": [opened["pit_id"]]})
        except OpenSearchError as error:  # it ends by itself after its keep_alive
            log.info("opensearch.point_not_closed", error=str(error))


async def pages(client: OpenSearchClient, index: str, body: Mapping[str, Any]) -> AsyncGenerator[list[Any], None]:
    """All hits of a search, in pages of `size`. `sort` must end with a key that no two documents share.

    Raises OpenSearchError, also in the middle.
    """
    async with point_in_time(client, index) as point:
        paged = {**body, "pit": {"id": point, "keep_alive": _KEEP_ALIVE}, "track_total_hits": False}
        while hits := (await search(client, "", paged))["hits"]["hits"]:
            yield hits
            if len(hits) < body["size"]:
                return
            paged["search_after"] = hits[-1]["sort"]

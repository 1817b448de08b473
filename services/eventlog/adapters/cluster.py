"""The room that OpenSearch has: shards of its nodes, free disk, and the block that it sets when the disk is full."""

from __future__ import annotations

from typing import NamedTuple

from shared.opensearch.client import OpenSearchClient

_SHARDS_A_NODE = 1_000
"""The default of `cluster.max_shards_per_node`."""
_NEARLY_FULL = 0.9
_ROOM_PART = 0.1
_ROOM_OCTETS = 20 << 30


class Room(NamedTuple):
    """What is left."""

    shards: int
    shard_limit: int
    is_roomy: bool
    """Whether every node has enough free disk for writes."""

    @property
    def warning(self) -> str:
        """A sentence when the shards come to their end; else empty."""
        if self.shards < _NEARLY_FULL * self.shard_limit:
            return ""
        return f"OpenSearch uses {self.shards} of its {self.shard_limit} shards; without one no index can be made"


async def room(client: OpenSearchClient) -> Room:
    """The room of the cluster. Raises OpenSearchError."""
    health = await client.request("GET", "/_cluster/health")
    params = {"include_defaults": "true", "flat_settings": "true"}
    settings = await client.request("GET", "/_cluster/settings", params=params)
    layers = [settings.get(layer, {}).get("cluster.max_shards_per_node") for layer in ("transient", "persistent")]
    limit = int(next((value for value in layers if value), _SHARDS_A_NODE))
    nodes = (await client.request("GET", "/_nodes/stats/fs"))["nodes"].values()
    totals = [node["fs"]["total"] for node in nodes]
    roomy = all(
        total["available_in_bytes"] > min(_ROOM_PART * total["total_in_bytes"], _ROOM_OCTETS) for total in totals
    )
    return Room(int(health["active_shards"]), limit * max(1, int(health["number_of_data_nodes"])), roomy)


async def lift_block(client: OpenSearchClient, stream: str) -> None:
    """Let indices be written again. Raises OpenSearchError."""
    block = {"index.blocks.read_only_allow_delete": None}
    await client.request("PUT", f"/{stream}/_settings", block, params={"expand_wildcards": "all"})

"""The cut of every store and of the bus into shards: one stable hash, the same on every machine and in every
release."""

from __future__ import annotations

from hashlib import blake2b

SHARDS = 16


def shard_of(owner: str) -> int:
    """The shard (0 to 15) of a stream's owner; never changes for an owner, or its events would be cut in two."""
    return blake2b(owner.encode(), digest_size=1).digest()[0] % SHARDS

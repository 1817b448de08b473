"""The assignment of streams to shards never changes, because a stream must stay in its shard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import SHARDS, shard_of


def test_known_owners_stay_where_they_are() -> None:
    assert [shard_of(owner) for owner in ("", "a", "settings", "deadletters", "ann@example.org", "Ünï")] == [
        14,
        14,
        0,
        3,
        7,
        0,
    ]


@given(st.text())
def test_every_owner_has_a_shard(owner: str) -> None:
    assert 0 <= shard_of(owner) < SHARDS


def test_owners_spread() -> None:
    assert {shard_of(f"a{number}") for number in range(400)} == set(range(SHARDS))

"""How a process divides its file descriptors among its listeners."""

from __future__ import annotations

import resource

from shared.network.descriptors import Descriptors, fair_shares, limit_in_force, raise_limit


def test_who_claims_little_gets_it_and_the_others_the_same() -> None:
    assert fair_shares({"a": 10, "b": 1000, "c": 1000}, 110) == {"a": 10, "b": 50, "c": 50}
    assert fair_shares({"a": 10, "b": 20}, 100) == {"a": 10, "b": 20}
    assert fair_shares({"a": 10}, -5) == {"a": 0}


def test_all_shares_fit_the_limit_with_a_reserve() -> None:
    """Two descriptors for each connection, and a quarter for everything else."""
    descriptors = Descriptors(1024)
    shares = [descriptors.claim(name, 2000) for name in ("smtp", "submission", "submissions")]
    assert [share.room for share in shares] == [128, 128, 128]
    assert sum(share.room for share in shares) * 2 + 256 == 1024
    assert all(share.promised == 2000 for share in shares)


def test_what_is_needed_is_enough() -> None:
    descriptors = Descriptors(1024)
    descriptors.claim("smtp", 2000)
    descriptors.claim("imaps", 10_000)
    generous = Descriptors(descriptors.needed)
    assert [generous.claim("smtp", 2000).room, generous.claim("imaps", 10_000).room] == [2000, 10_000]


def test_a_tiny_limit_leaves_something_for_the_process() -> None:
    assert Descriptors(100).claim("smtp", 2000).room == 18


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        assert raise_limit() == limit_in_force() == min(hard, 1_048_576)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

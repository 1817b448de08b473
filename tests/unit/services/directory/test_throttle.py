"""How many refused log-ins are borne."""

from __future__ import annotations

import pytest

from services.directory.domain.throttle import Limits, Throttle, network_of

ACCOUNT, OWNER, STRANGER = "ann@example.org", "192.0.2.1", "198.51.100.1"


def throttle() -> Throttle:
    return Throttle(Limits(per_account=3, per_address=5, seconds=100, trusted_seconds=1000))


def test_an_account_is_shut_after_its_failures_and_opens_again() -> None:
    guard = throttle()
    for number in range(3):
        assert not guard.refuses(ACCOUNT, STRANGER, number)
        guard.failed(ACCOUNT, STRANGER, number)
    assert guard.refuses(ACCOUNT, STRANGER, 50)
    assert guard.refuses(ACCOUNT, "203.0.113.9", 50)
    assert not guard.refuses("bob@example.org", STRANGER, 50)
    assert not guard.refuses(ACCOUNT, STRANGER, 103)


def test_an_address_is_shut_whatever_account_it_tries() -> None:
    guard = throttle()
    for number in range(5):
        guard.failed(f"user{number}@example.org", STRANGER, 0)
    assert guard.refuses(ACCOUNT, STRANGER, 1)
    assert not guard.refuses(ACCOUNT, OWNER, 1)


def test_strangers_do_not_lock_the_owner_out() -> None:
    guard = throttle()
    guard.succeeded(ACCOUNT, OWNER, 0)
    for _ in range(10):
        guard.failed(ACCOUNT, STRANGER, 1)
    assert not guard.refuses(ACCOUNT, OWNER, 2)
    assert guard.refuses(ACCOUNT, STRANGER, 2)


def test_the_owners_address_has_a_limit_too() -> None:
    guard = throttle()
    guard.succeeded(ACCOUNT, OWNER, 0)
    for _ in range(3):
        guard.failed(ACCOUNT, OWNER, 1)
    assert guard.refuses(ACCOUNT, OWNER, 2)


def test_loopback_is_many_people() -> None:
    guard = throttle()
    for number in range(50):
        guard.failed(f"user{number}@example.org", "127.0.0.1", 0)
    assert not guard.refuses(ACCOUNT, "127.0.0.1", 1)


def test_a_new_password_is_a_fresh_start_for_accounts_alone() -> None:
    guard = throttle()
    for _ in range(5):
        guard.failed(ACCOUNT, STRANGER, 0)
    guard.forgive_accounts()
    assert not guard.refuses(ACCOUNT, OWNER, 1)
    assert guard.refuses(ACCOUNT, STRANGER, 1)


def test_memory_is_bounded() -> None:
    guard = throttle()
    for number in range(50_000):
        guard.failed(f"user{number}@example.org", "", 0)
    assert len(guard._failures) <= 20_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_what_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network

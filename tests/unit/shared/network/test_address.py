"""Who counts as one client."""

from __future__ import annotations

import pytest

from shared.network.address import is_loopback, network_of, plain_address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("::1", "::1"),
        ("", ""),
        ("nonsense", ""),
        ("1:2:3", ""),
    ],
)
def test_what_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False)],
)
def test_what_is_this_machine(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


def test_nothing_is_not_this_machine() -> None:
    assert not is_loopback("")


@pytest.mark.parametrize(
    ("address", "plain"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("2001:db8::1", "2001:db8::1"), ("", "")],
)
def test_an_address_as_it_is_written_down(address: str, plain: str) -> None:
    assert plain_address(address) == plain

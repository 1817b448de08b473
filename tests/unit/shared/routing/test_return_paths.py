"""Return paths are written in a domain of ours, and read again within their age."""

from __future__ import annotations

import pytest

from shared.protocol.address.address import Address, parse_address
from shared.protocol.srs.proof import MAX_AGE, NoReturnAddress
from shared.protocol.srs.rewrite import StoredSender, is_rewritten
from shared.routing.return_paths import ReturnPaths, day_of, may_be_new

PATHS = ReturnPaths((b"k" * 32,))
BOB = parse_address("Bob@elsewhere.example")
LONG = Address("x" * 60, "elsewhere.example")
OURS = ("here.example",)


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper])
def test_a_sender_comes_back_in_any_case(spelling: type[str]) -> None:
    path = PATHS.forwarding(BOB, "here.example", "q1", 20_000)
    back = PATHS.sender_of(Address(spelling(path.localpart), "here.example"), OURS, 20_001)
    assert isinstance(back, Address)
    assert str(back).lower() == "bob@elsewhere.example"


def test_a_sender_that_is_too_long_is_kept_under_the_token() -> None:
    path = PATHS.forwarding(LONG, "here.example", "q0123456789abcdefghjk", 20_000)
    assert len(path.localpart) <= 64
    assert PATHS.sender_of(path, OURS, 20_000) == StoredSender("q0123456789abcdefghjk")


@pytest.mark.parametrize(
    ("days", "late_days", "accepted"),
    [(0, 0, True), (MAX_AGE, 0, True), (MAX_AGE + 1, 0, False), (0, 9, True), (MAX_AGE + 9, 9, True)],
)
def test_a_return_path_has_an_age(days: int, late_days: int, accepted: bool) -> None:
    path = PATHS.forwarding(BOB, "here.example", "q1", 20_000)
    expected = BOB if accepted else NoReturnAddress("expired")
    assert PATHS.sender_of(path, OURS, 20_000 + days, late_days=late_days) == expected


def test_other_return_paths_are_left_alone_and_forged_ones_refused() -> None:
    path = PATHS.forwarding(BOB, "here.example", "q1", 20_000)
    assert PATHS.sender_of(Address(path.localpart, "there.example"), OURS, 20_000) == NoReturnAddress("not_ours")
    assert PATHS.sender_of(parse_address("ann@here.example"), OURS, 20_000) == NoReturnAddress("not_rewritten")
    other = ReturnPaths((b"z" * 32,)).sender_of(path, OURS, 20_000)
    assert other == NoReturnAddress("forged") and may_be_new(other)
    assert not may_be_new(NoReturnAddress("expired")) and not may_be_new(BOB)


def test_a_day_is_counted_from_1970() -> None:
    assert day_of(86_400 * 1_000_000 * 3 + 5) == 3


@pytest.mark.parametrize(
    ("localpart", "expected"),
    [("SRS0=a", True), ("srs1+a", True), ("SRSX-a", True), ("srs2=a", False), ("xSRS0=a", False), ("srs0", False)],
)
def test_the_forms_of_rewritten_addresses_are_recognised(localpart: str, expected: bool) -> None:
    assert is_rewritten(localpart) is expected


def test_secrets_are_not_printed() -> None:
    assert "kkk" not in repr(PATHS)

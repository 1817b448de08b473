"""A client that guesses recipients is recognised by the number of its refusals."""

from __future__ import annotations

from services.ingress.domain.unknown_recipients import UnknownRecipients, pause_before_refusal


def test_a_network_may_ask_so_often_and_again_later() -> None:
    counted = UnknownRecipients(3)
    for _ in range(3):
        assert not counted.are_too_many("192.0.2.1", 0.0)
        counted.add("192.0.2.1", 0.0)
    assert counted.are_too_many("192.0.2.1", 299.0)
    assert not counted.are_too_many("192.0.2.1", 300.0)
    assert not counted.are_too_many("192.0.2.2", 0.0)


def test_what_is_remembered_is_bounded() -> None:
    """A network that keeps asking is never the one that is forgotten."""
    counted = UnknownRecipients(1)
    counted.add("192.0.2.1", 0.0)
    for number in range(30_000):
        counted.add(f"2001:db8:0:{number:x}::/64", 0.0)
        counted.add("192.0.2.1", 0.0)
    assert len(counted._levels) == 10_000
    assert counted.are_too_many("192.0.2.1", 0.0)


def test_pauses_grow_and_stay_below_a_clients_patience() -> None:
    assert [pause_before_refusal(count, 0.5) for count in (0, 1, 2, 10, 1000)] == [0, 0.5, 1, 5, 5]
    assert pause_before_refusal(10, 0) == 0

"""A copy for an account that takes no message of this size is returned; the others are delivered."""

from __future__ import annotations

from services.delivery.domain.size_limits import TOO_LARGE, within_limits, within_limits_of_members
from shared.events.delivery import Step
from shared.protocol.address.address import Address

LIMITS = {"a.example": 100_000}
SMALL = Step("ann@a.example", 0, "store", "a1", "ann@a.example", "INBOX")
LARGE = Step("bob@b.example", 1, "store", "a2", "bob@b.example", "INBOX")
NOTICE = Step("ann@a.example", 2, "store", "a1", "ann@a.example", "INBOX", blob="g1/2", size=7)
AWAY = Step("eve@far.example", 3, "enqueue", address="eve@far.example")


def limit_of(address: Address) -> int:
    return LIMITS.get(address.domain, 0)


def test_only_copies_above_their_limit_are_returned() -> None:
    steps = (SMALL, LARGE, NOTICE, AWAY)
    assert within_limits(steps, 100_000, limit_of) == steps
    refused, *others = within_limits(steps, 100_001, limit_of)
    assert others == [LARGE, NOTICE, AWAY]
    assert (refused.recipient, refused.index, refused.action, refused.rule) == ("ann@a.example", 0, "bounce", TOO_LARGE)
    assert "100000 octets" in refused.reason


def test_a_member_of_a_list_who_takes_no_message_of_this_size_is_left_out() -> None:
    steps = (SMALL, LARGE, AWAY)
    assert within_limits_of_members(steps, 100_000, limit_of) == steps
    left_out, *others = within_limits_of_members(steps, 100_001, limit_of)
    assert others == [LARGE, AWAY]
    assert (left_out.index, left_out.action, left_out.account, left_out.rule) == (0, "discard", "a1", TOO_LARGE)
    assert "100000 octets" in left_out.reason

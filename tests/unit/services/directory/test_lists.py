"""Decisions on mailing lists."""

from __future__ import annotations

import pytest

from services.directory.domain import lists
from services.directory.domain.lists import Bounce, ListChanges, ListState, MemberState
from services.directory.domain.state import DirectoryRefused
from shared.events.lists import (
    JoinedMember,
    ListAdded,
    ListChanged,
    ListMemberBounced,
    ListMembersJoined,
    ListMemberSwitched,
    ListOwnersChanged,
)
from shared.protocol.address.address import parse_address

DEVS = ListState("i1", "devs@example.org", ("ann@example.org",))
ANN = parse_address("ann@example.org")


def after(member: MemberState, events: list[object]) -> MemberState:
    """The member as the projection would have it."""
    for event in events:
        if isinstance(event, ListMemberBounced):
            member = MemberState(member.id, member.address, member.paused, event.bounces, event.day, event.queue_id)
        elif isinstance(event, ListMemberSwitched):
            member = MemberState(member.id, member.address, event.paused, member.bounces, member.bounced_on)
    return member


def bounced(*bounces: tuple[int, str, str]) -> MemberState:
    member = MemberState("n1", "bob@example.net")
    for day, queue_id, status in bounces:
        member = after(member, [*lists.count_bounce(DEVS, member, Bounce(status, queue_id, day))])
    return member


def test_a_list_is_added_with_an_owner() -> None:
    address = parse_address("devs@example.org")
    assert lists.add_list("", True, "i1", address, [ANN], "Developers") == [
        ListAdded("i1", "devs@example.org", ("ann@example.org",), "Developers")
    ]
    for holder, ours, owners in (("an alias", True, [ANN]), ("", False, [ANN]), ("", True, []), ("", True, [ANN] * 21)):
        with pytest.raises(DirectoryRefused):
            lists.add_list(holder, ours, "i1", address, owners, "")
    with pytest.raises(DirectoryRefused, match="200"):
        lists.add_list("", True, "i1", address, [ANN], "x" * 201)


def test_only_what_changes_is_an_event() -> None:
    assert lists.change_list(DEVS, ListChanges(members_only=True, owners=(ANN,))) == []
    bob = parse_address("bob@example.org")
    assert lists.change_list(DEVS, ListChanges(owners=(bob,), rewrite_author=True)) == [
        ListChanged("i1", "", True, False, True, False),
        ListOwnersChanged("i1", ("bob@example.org",)),
    ]


def test_members_are_bounded() -> None:
    members = [JoinedMember(f"n{number}", f"m{number}@example.net") for number in range(1_000)]
    full = ListState("i1", "devs@example.org", (), members=9_000)
    assert lists.join(full, members) == [ListMembersJoined("i1", tuple(members))]
    with pytest.raises(DirectoryRefused, match="10000"):
        lists.join(ListState("i1", "devs@example.org", (), members=9_001), members)
    with pytest.raises(DirectoryRefused, match="at once"):
        lists.join(DEVS, [*members, JoinedMember("n", "n@example.net")])
    assert lists.join(DEVS, []) == []


def test_four_days_with_a_permanent_failure_pause_a_member() -> None:
    posts = [(20_000 + day, f"q{day}", "5.1.1") for day in range(4)]
    assert bounced(*posts[:3]) == MemberState("n1", "bob@example.net", False, 3, 20_002, "q2")
    assert bounced(*posts).paused


@pytest.mark.parametrize("status", ["5.7.1", "5.7.26", "4.2.2", "2.0.0", ""])
def test_what_is_no_failure_of_the_address_does_not_count(status: str) -> None:
    assert bounced(*((20_000 + day, f"q{day}", status) for day in range(9))).bounces == 0


def test_a_day_and_a_post_count_once() -> None:
    assert bounced(*((20_000, f"q{number}", "5.1.1") for number in range(9))).bounces == 1
    assert bounced(*((20_000 + day, "q1", "5.1.1") for day in range(9))).bounces == 1


def test_two_weeks_without_failures_forgive_earlier_ones() -> None:
    assert bounced((20_000, "q1", "5.1.1"), (20_014, "q2", "5.1.1")).bounces == 2
    assert bounced((20_000, "q1", "5.1.1"), (20_015, "q2", "5.1.1")).bounces == 1


def test_a_paused_member_counts_nothing_until_it_is_resumed() -> None:
    paused = MemberState("n1", "bob@example.net", paused=True, bounces=4)
    assert lists.count_bounce(DEVS, paused, Bounce("5.1.1", "q9", 20_000)) == []
    assert lists.switch_member(DEVS, paused, paused=False) == [ListMemberSwitched("i1", "n1", False)]
    assert lists.switch_member(DEVS, MemberState("n1", "bob@example.net"), paused=False) == []

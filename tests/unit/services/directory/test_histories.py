"""The history of an object says what was there before, and which changes are still as they were made."""

from __future__ import annotations

import pytest

from services.directory.domain.histories import HistoryStep, check_still_fits, steps_of
from services.directory.domain.state import DirectoryRefused
from shared.events.archives import AccountArchived
from shared.events.bulk import UserHashRenewed
from shared.events.directory import (
    AccountAdded,
    AccountRemoved,
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasRemoved,
    AliasTargetsChanged,
    DomainAdded,
    DomainValueChanged,
    UserAdded,
    UserPasswordChanged,
    UserSwitched,
)
from shared.events.lists import (
    JoinedMember,
    ListAdded,
    ListChanged,
    ListMemberBounced,
    ListMembersJoined,
    ListMembersLeft,
    ListMemberSwitched,
    ListRemoved,
)
from shared.events.rights import RightRefused
from shared.events.sending import DkimKeyRetired, RelayPasswordResealed, RelayRemoved, RelaySet
from shared.eventstore.event import Actor, Event, Provenance, Recorded


def history(*events: Event | tuple[str, Event]) -> list[HistoryStep]:
    """The steps of a stream; an event may have its command before it."""
    pairs = [event if isinstance(event, tuple) else (f"c{at}", event) for at, event in enumerate(events)]
    return steps_of(
        Recorded(1, 100 + at, "s", at, at, Provenance(Actor("operator"), command=command), event)
        for at, (command, event) in enumerate(pairs, 1)
    )


ADDED = AliasAdded("x@a.example", ("ann@a.example",))


def test_each_change_has_the_value_before() -> None:
    steps = history(ADDED, AliasTargetsChanged("x@a.example", ("bob@a.example",)), AliasRemoved("x@a.example"), ADDED)
    assert (steps[0].before, steps[0].after["targets"]) == ({}, ("ann@a.example",))
    assert steps[1].shown(steps[1].before) == {"address": "x@a.example", "targets": "ann@a.example"}
    assert steps[2].before["targets"] == ("bob@a.example",)
    assert (steps[2].after, steps[2].whole) == ({}, {})
    assert steps[3].whole["targets"] == ("ann@a.example",)


def test_values_of_a_domain_are_told_apart() -> None:
    steps = history(
        DomainAdded("d1", "a.example"),
        DomainValueChanged("d1", "separators", "-", ""),
        DomainValueChanged("d1", "catch_all", "ann@a.example", ""),
        DomainValueChanged("d1", "catch_all", "", "ann@a.example"),
    )
    assert steps[3].before == {"value catch_all": "ann@a.example"}
    assert check_still_fits(steps, 1) is steps[1]
    with pytest.raises(DirectoryRefused, match="changed again"):
        check_still_fits(steps, 2)


def test_a_secret_is_not_shown() -> None:
    steps = history(UserAdded("u1", "ann", "$6$one"), UserPasswordChanged("u1", "$6$two"))
    texts = [text for step in steps for values in (step.before, step.after) for text in step.shown(values).values()]
    assert not [text for text in texts if "$6$" in text]


def test_an_object_goes_only_as_its_command_left_it() -> None:
    switched = UserSwitched("u1", True)
    together = history(("c1", UserAdded("u1", "ann", "h")), ("c1", switched), ("c2", UserHashRenewed("u1", "n")))
    assert check_still_fits(together, 0) is together[0]
    later = history(("c1", UserAdded("u1", "ann", "h")), ("c2", switched))
    with pytest.raises(DirectoryRefused, match="changed since: revert 102 first"):
        check_still_fits(later, 0)
    undone = history(("c1", UserAdded("u1", "ann", "h")), ("c2", switched), ("c3", UserSwitched("u1", False)))
    assert check_still_fits(undone, 0) is undone[0]
    unrelated = history(("", UserAdded("u1", "ann", "h")), ("", switched))
    with pytest.raises(DirectoryRefused, match="changed since"):
        check_still_fits(unrelated, 0)


def test_keys_of_a_domain_are_no_change_of_the_domain() -> None:
    steps = history(("c1", DomainAdded("d1", "a.example")), ("", DkimKeyRetired("k1", "d1", "s1")))
    assert steps[1].after["selector"] == "s1"
    assert check_still_fits(steps, 0) is steps[0]
    with pytest.raises(DirectoryRefused, match="changes nothing that can be put back"):
        check_still_fits(steps, 1)


def test_what_was_removed_since_is_not_reverted() -> None:
    steps = history(ADDED, AliasTargetsChanged("x@a.example", ("bob@a.example",)), AliasRemoved("x@a.example"))
    for place in (0, 1):
        with pytest.raises(DirectoryRefused, match="removed since"):
            check_still_fits(steps, place)
    assert check_still_fits(steps, 2) is steps[2]
    again = history(ADDED, AliasRemoved("x@a.example"), ADDED)
    with pytest.raises(DirectoryRefused, match="another of this name"):
        check_still_fits(again, 1)
    with pytest.raises(DirectoryRefused, match="removed since"):
        check_still_fits(again, 0)


def test_what_happens_to_an_archive_makes_no_account() -> None:
    archived = AccountArchived("a1", "x@a.example", "u1", 0, 5, 9)
    steps = history(AccountAdded("a1", "x@a.example", "u1"), AccountRemoved("a1", "x@a.example"), archived)
    assert steps[2].whole == {}
    assert check_still_fits(steps, 1) is steps[1]
    with pytest.raises(DirectoryRefused, match="removed since"):
        check_still_fits(steps, 2)


def test_an_end_that_came_is_another_state() -> None:
    steps = history(ADDED, AliasEndChanged("x@a.example", 5), AliasEnded("x@a.example"))
    with pytest.raises(DirectoryRefused, match="changed again"):
        check_still_fits(steps, 1)
    assert check_still_fits(steps, 2) is steps[2]


def test_members_of_a_list_are_shown_by_their_addresses() -> None:
    joined = ListMembersJoined("i1", (JoinedMember("n1", "b@b.example"), JoinedMember("n2", "c@c.example")))
    (step,) = history(joined)
    assert step.shown(step.after)["members"] == "b@b.example, c@c.example"


def test_members_are_shown_and_only_their_sum_decides_whether_a_list_is_as_it_was_left() -> None:
    joined = ListMembersJoined("l1", (JoinedMember("m1", "x@b.example"), JoinedMember("m2", "y@b.example")))
    added = ListAdded("l1", "all@a.example", ("ann@a.example",))
    paused, left = ListMemberSwitched("l1", "m2", True), ListMembersLeft("l1", ("m2",))
    steps = history(("c1", added), ("c1", joined), ("c2", paused), ("c2", left), ("c2", ListRemoved("l1", "x")))
    assert [dict(step.after) for step in steps[1:4]] == [
        {"members": ("x@b.example", "y@b.example")},
        {"paused": ("y@b.example",)},
        {},
    ]
    assert steps[3].before == {"members": ("y@b.example",)}
    assert (steps[4].before["members"], list(steps[4].elements)) == (("x@b.example",), [("members", "m1")])
    with pytest.raises(DirectoryRefused, match="changed since: revert 104 first"):
        check_still_fits(steps[:4], 0)
    again = ListMembersJoined("l1", (JoinedMember("m2", "y@b.example"),))
    undone = history(("c1", added), ("c1", joined), ("c2", left), ("c3", again))
    assert check_still_fits(undone, 0) is undone[0]
    bounced = ListMemberBounced("l1", "m1", 5, "5.1.1", "Q1", 1)
    assert check_still_fits(history(("c1", added), ("", bounced)), 0).before == {}


def test_a_later_change_of_another_value_does_not_count() -> None:
    added = ListAdded("l1", "all@a.example", ("ann@a.example",))
    described = ListChanged("l1", "All", True, False, False, False)
    steps = history(added, described, ListChanged("l1", "All", False, False, False, False))
    assert check_still_fits(steps, 1).differing == {"description": ""}
    with pytest.raises(DirectoryRefused, match="changed again"):
        check_still_fits(history(added, described, ListChanged("l1", "Others", True, False, False, False)), 1)


def test_the_password_of_a_former_relay_is_the_one_that_was_sealed_last() -> None:
    first = RelaySet("d1", "smarthost", "a.example", 587, "starttls", "u", "sealed 1")
    second = RelaySet("d1", "smarthost", "b.example", 587, "starttls", "u", "sealed 3")
    steps = history(first, RelayPasswordResealed("d1", "sealed 2"), second, RelayRemoved("d1"))
    assert (steps[2].before["host"], steps[2].before["password"]) == ("a.example", "sealed 2")
    assert steps[3].before["password"] == "sealed 3"
    assert check_still_fits(steps[:2], 0) is steps[0], "a password that is only encrypted anew is the same"
    with pytest.raises(DirectoryRefused, match="changed since"):
        check_still_fits(steps[:3], 0)
    assert check_still_fits(steps, 3) is steps[3]


def test_what_only_happened_to_a_user_is_no_change() -> None:
    refused = RightRefused("u1", "Lists/AddList", "this needs an admin")
    steps = history(("c1", UserAdded("u1", "ann", "h")), ("", refused))
    assert steps[1].after["method"] == "Lists/AddList"
    assert check_still_fits(steps, 0) is steps[0]

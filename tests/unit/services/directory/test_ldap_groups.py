"""What a complete reading of the groups of a directory elsewhere changes here."""

from __future__ import annotations

import pytest

from services.directory.domain.groups import MEMBER_LIMIT
from services.directory.domain.ldap_groups import (
    DEPTH_LIMIT,
    NESTED_LIMIT,
    VALUE_LIMIT,
    GroupChanges,
    GroupEntry,
    LdapGroup,
    LinkedGroup,
    MemberChange,
    Roster,
    group_changes,
    roster,
    whole_groups,
)
from services.directory.domain.ldap_people import LinkedUser

DAY = 86_400_000_000
NOW = 100 * DAY
EVERYBODY = Roster({"e-ann": "ann", "e-bob": "bob", "e-cid": "cid"}, frozenset())


def entry(name: str, *people: str, nested: tuple[str, ...] = (), problem: str = "") -> GroupEntry:
    return GroupEntry(name, name, people=frozenset(people), nested=nested, problem=problem)


def there(*people: str, problem: str = "") -> LdapGroup:
    return LdapGroup("e-sales", "sales", members=frozenset(people), problem=problem)


def here(*users: str, missing_since: int = 0) -> LinkedGroup:
    return LinkedGroup("sales", "sales", "e-sales", missing_since, frozenset(users))


def changed(groups: list[LdapGroup], present: LinkedGroup, people: Roster = EVERYBODY, days: int = 7) -> GroupChanges:
    return group_changes(groups, [present], people, NOW, days)


class TestNestedGroups:
    def test_members_of_nested_groups_are_members(self) -> None:
        groups = [entry("a", "1", nested=("b", "gone")), entry("b", "2", nested=("c",)), entry("c", "3")]
        assert [sorted(group.members) for group in whole_groups(groups)] == [["1", "2", "3"], ["2", "3"], ["3"]]

    def test_a_loop_ends(self) -> None:
        groups = [entry("a", "1", nested=("b",)), entry("b", "2", nested=("a", "b"))]
        assert [(sorted(group.members), group.problem) for group in whole_groups(groups)] == 2 * [(["1", "2"], "")]

    @pytest.mark.parametrize(("depth", "problem"), [(DEPTH_LIMIT, False), (DEPTH_LIMIT + 1, True)])
    def test_the_depth_is_bounded(self, depth: int, problem: bool) -> None:
        groups = [entry(str(level), f"p{level}", nested=(str(level + 1),)) for level in range(depth)]
        first = whole_groups([*groups, entry(str(depth), "last")])[0]
        assert bool(first.problem) is problem
        assert ("last" in first.members) is not problem

    def test_groups_and_members_are_bounded(self) -> None:
        inner = [entry(f"i{number}") for number in range(NESTED_LIMIT)]
        outer = entry("a", nested=tuple(group.entry for group in inner))
        assert "nested in it" in whole_groups([outer, *inner])[0].problem
        assert not whole_groups([outer, *inner[1:]])[0].problem
        large = [entry(f"l{part}", *(f"{part}-{n}" for n in range(VALUE_LIMIT // 2 + 1))) for part in range(2)]
        assert "members" in whole_groups([entry("a", nested=("l0", "l1")), *large])[0].problem

    def test_what_is_not_known_of_a_nested_group_is_not_known_of_the_outer_one(self) -> None:
        outer = whole_groups([entry("a", "1", nested=("b",)), entry("b", problem="too many")])[0]
        assert (outer.members, outer.problem) == (frozenset(), "b in it: too many")


def test_who_joins_and_who_leaves() -> None:
    result = changed([there("e-bob", "e-cid", "e-stranger")], here("ann", "bob"))
    assert result.memberships == (MemberChange("sales", "ann", False), MemberChange("sales", "cid", True))
    assert (result.leaving, result.members, result.skipped) == (1, 2, ())


def test_who_is_missing_stays_a_member_until_disabled() -> None:
    users = [LinkedUser("ann", "e-ann", False, NOW - DAY), LinkedUser("bob", "e-bob", False)]
    members = roster(users, {"e-bob"}, NOW, 7)
    assert changed([there("e-bob")], here("ann", "bob"), members).memberships == ()
    later = roster(users, {"e-bob"}, NOW + 6 * DAY, 7)
    assert changed([there("e-bob")], here("ann", "bob"), later).memberships == (MemberChange("sales", "ann", False),)


def test_a_group_whose_members_are_not_known_stays_as_it_is() -> None:
    result = changed([there(problem="it names more than 10000 members")], here("ann"))
    assert result.memberships == ()
    assert result.skipped == ("the group sales: it names more than 10000 members",)


def test_a_group_that_is_too_large_lets_nobody_join() -> None:
    many = {f"e{number}": f"u{number}" for number in range(MEMBER_LIMIT + 1)}
    result = changed([there(*many)], here("u1", "ann"), Roster(many, frozenset()))
    assert result.memberships == (MemberChange("sales", "ann", False),)
    assert f"more than {MEMBER_LIMIT} members" in result.skipped[0]
    full = changed([there(*list(many)[1:])], here(), Roster(many, frozenset()))
    assert len(full.memberships) == MEMBER_LIMIT and not full.skipped


@pytest.mark.parametrize(
    ("present", "days", "missing", "emptied"),
    [
        (here("ann"), 7, True, False),
        (here("ann"), 0, True, True),
        (here("ann", missing_since=NOW - 6 * DAY), 7, False, False),
        (here("ann", missing_since=NOW - 7 * DAY), 7, False, True),
    ],
)
def test_a_missing_group_is_emptied_after_a_time(present: LinkedGroup, days: int, missing: bool, emptied: bool) -> None:
    result = changed([], present, days=days)
    assert result.missing == ((present,) if missing else ())
    assert result.memberships == ((MemberChange("sales", "ann", False),) if emptied else ())
    assert result.leaving == 0


def test_new_groups_and_groups_that_are_back() -> None:
    back = here(missing_since=1)
    result = changed([there(), LdapGroup("e-new", "new")], back)
    assert ([group.name for group in result.new], result.back) == (["new"], (back,))


@pytest.mark.parametrize(("leaving", "doubtful"), [(5, False), (6, True)])
def test_when_so_many_leave_that_the_search_is_doubtful(leaving: int, doubtful: bool) -> None:
    users = {f"e{number}": f"u{number}" for number in range(20)}
    result = changed([there(*list(users)[leaving:])], here(*users.values()), Roster(users, frozenset()))
    assert result.leaving == leaving
    assert result.is_doubtful(5) is doubtful

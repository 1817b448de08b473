"""Members of groups in the address book, and the bounds of leading mail to them."""

from __future__ import annotations

from shared.events.directory import AccountAdded, AccountChanged, AliasAdded, DomainAdded
from shared.events.groups import GroupAdded, GroupJoined, GroupLeft, GroupRemoved, GroupRenamed
from shared.protocol.address.address import parse_address
from shared.routing.address_book import MAX_TARGETS, AddressBook
from shared.routing.known_groups import KnownGroups
from shared.routing.way import way_of

TEAM = parse_address("team@a.example")


def book_with(groups: int, members: int) -> AddressBook:
    """An alias that leads to groups with so many members each, who have an account each."""
    book = AddressBook()
    book.apply(DomainAdded("d1", "a.example", True))
    for group in range(groups):
        book.apply(GroupAdded(f"o{group}", f"group {group}"))
        for member in range(members):
            user = f"u{group}-{member:03}"
            book.apply(AccountAdded(f"a{group}-{member:03}", f"{user}@a.example", user))
            book.apply(GroupJoined(f"o{group}", user))
    book.apply(AliasAdded(str(TEAM), tuple(f"group:o{group}" for group in range(groups))))
    return book


def test_members_come_and_go() -> None:
    groups = KnownGroups()
    for event in (GroupAdded("o1", "Sales"), GroupJoined("o1", "u2"), GroupJoined("o1", "u1"), GroupJoined("o1", "u1")):
        groups.apply(event)
    assert groups.members("o1") == ("u1", "u2")
    groups.apply(GroupAdded("o3", "Support"))
    groups.apply(GroupJoined("o3", "u2"))
    assert [list(groups.of(user)) for user in ("u0", "u1", "u2", "u3")] == [[], ["o1"], ["o1", "o3"], []]
    groups.apply(GroupRemoved("o3", "Support"))
    groups.apply(GroupLeft("o1", "u1"))
    groups.apply(GroupRenamed("o1", "Traders", "Sales"))
    groups.apply(GroupJoined("o2", "u1"))
    assert (groups.has("o1", "u1"), groups.has("o1", "u2"), groups.has("o2", "u1")) == (False, True, False)
    assert groups.by_id["o1"].name == "Traders"
    groups.apply(GroupRemoved("o1", "Traders"))
    assert groups.members("o1") == () and not groups.by_id


def test_the_targets_of_large_groups_are_cut() -> None:
    book = book_with(3, 400)
    assert len(book.resolve(TEAM).targets) == MAX_TARGETS
    assert len(way_of(book, TEAM)) == 201


def test_the_oldest_account_in_use_of_a_member_gets_the_mail() -> None:
    book = book_with(1, 1)
    for event in (
        AccountAdded("a9", "second@a.example", "u0-000"),
        AccountAdded("a00", "oldest@a.example", "u0-000"),
        GroupJoined("o0", "u-without-account"),
    ):
        book.apply(event)
    assert [target.address for target in book.resolve(TEAM).targets] == ["u0-000@a.example"]
    book.apply(AccountChanged("a0-000", True, 0))
    assert [target.address for target in book.resolve(TEAM).targets] == ["oldest@a.example"]


def test_a_group_that_is_gone_gets_nothing() -> None:
    book = book_with(1, 2)
    book.apply(GroupRemoved("o0", "group 0"))
    book.apply(GroupAdded("o7", "group 0"))
    book.apply(GroupJoined("o7", "u0-000"))
    assert book.resolve(TEAM).targets == ()
    assert [step.address for step in way_of(book, TEAM)] == [str(TEAM), "group:o0"]

"""With whom an account may share: two domains agree, and what is not seen looks like what does not exist."""

from __future__ import annotations

import pytest

from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountRemoved,
    AliasAdded,
    DomainAdded,
    DomainAliased,
    DomainChanged,
    DomainRemoved,
    DomainValueChanged,
)
from shared.events.groups import GroupAdded, GroupJoined, GroupLeft, GroupRemoved
from shared.events.sharing import SharingRuleChanged, SharingSwitched
from shared.eventstore.event import Event
from shared.routing.address_book import AddressBook
from shared.routing.known_sharing import KnownSharing, SharingRule, Visible
from shared.routing.sharing import held_identifiers, identifiers_towards, identify, visible_domains

SETTING: tuple[Event, ...] = (
    DomainAdded("da", "a.example", True),
    DomainAdded("db", "b.example", True),
    DomainAdded("dc", "c.example", True),
    DomainAdded("dx", "x.example", True),
    DomainAliased("dx", "da"),
    *(
        AccountAdded(f"{name}1", f"{name}@{domain}.example", f"u{name}", 0)
        for name, domain in (("ann", "a"), ("bob", "a"), ("eve", "b"), ("zoe", "c"))
    ),
    GroupAdded("o1", "sales"),
    GroupJoined("o1", "ubob"),
    GroupJoined("o1", "uzoe"),
    AccountAdded("s1", "sales@a.example", "o1", 0),
    AliasAdded("team@a.example", ("group:o1",)),
    AliasAdded("info@a.example", ("bob@a.example",)),
    AliasAdded("x*@a.example", ("group:o1",)),
    DomainValueChanged("da", "catch_all", "bob@a.example", ""),
    SharingSwitched(True),
)
BOTH = (SharingRuleChanged("da", "domains", ("db",)), SharingRuleChanged("db", "all"))


def book(*events: Event) -> AddressBook:
    made = AddressBook()
    for event in (*SETTING, *events):
        made.apply(event)
    return made


def seen(known: AddressBook, text: str, account: str = "ann1") -> str:
    identifier = identify(known, account, text)
    return identifier.id if identifier is not None else ""


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("bob@a.example", "bob1"),
        ("BOB@A.example", "bob1"),
        ("bob@x.example", "bob1"),
        ("ann@a.example", "ann1"),
        ("sales@a.example", "o1"),
        ("team@a.example", "o1"),
        ("info@a.example", ""),
        ("xyz@a.example", ""),
        ("bob+tag@a.example", ""),
        ("nobody@a.example", ""),
        ("eve@b.example", ""),
        ("eve@far.example", ""),
        ("anyone", ""),
        ("o1", ""),
        ("bob1", ""),
        ("", ""),
        ("not an address", ""),
        ("b" * 100_000 + "@a.example", ""),
    ],
)
def test_the_own_domain_is_seen_and_no_alias_says_who_gets_its_mail(text: str, identity: str) -> None:
    assert seen(book(), text) == identity


@pytest.mark.parametrize("visible", list(Visible))
@pytest.mark.parametrize("other", list(Visible))
def test_two_domains_see_each_other_when_both_say_so(visible: Visible, other: Visible) -> None:
    known = book(
        SharingRuleChanged("da", visible, ("db",) if visible is Visible.DOMAINS else ()),
        SharingRuleChanged("db", other, ("da",) if other is Visible.DOMAINS else ()),
    )
    wide = {Visible.DOMAINS, Visible.ALL}
    expected = {visible, other} <= wide
    assert (seen(known, "eve@b.example"), seen(known, "ann@a.example", "eve1")) == (
        ("eve1", "ann1") if expected else ("", "")
    )
    assert seen(known, "bob@a.example") == ("" if visible is Visible.NOBODY else "bob1")
    names = [domain.name for domain in visible_domains(known, "ann1")]
    assert names == ([] if visible is Visible.NOBODY else ["a.example"]) + (["b.example"] if expected else [])


def test_what_ends_a_right_ends_it_at_once_and_nothing_is_inherited() -> None:
    assert seen(book(*BOTH), "eve@b.example") == "eve1"
    assert identifiers_towards(book(*BOTH), "eve1", "ann1") == ("eve1",)
    for end in (
        SharingSwitched(False),
        SharingRuleChanged("db", "domain"),
        SharingRuleChanged("da", "nobody"),
        DomainChanged("db", True, True),
        AccountChanged("eve1", True, 0),
        AccountRemoved("eve1", "eve@b.example"),
    ):
        known = book(*BOTH, end)
        assert seen(known, "eve@b.example") == ""
    gone = (AccountRemoved("eve1", "eve@b.example"), DomainRemoved("db", "b.example"))
    again = (DomainAdded("db2", "b.example", True), AccountAdded("eve2", "eve@b.example", "ueve2", 0))
    known = book(*BOTH, *gone, *again)
    assert (seen(known, "eve@b.example"), identifiers_towards(known, "eve2", "ann1")) == ("", ())


def test_what_an_account_holds_and_what_counts_towards_another_one() -> None:
    known = book(SharingRuleChanged("da", "domain", (), True))
    assert held_identifiers(known, "bob1") == ("bob1", "o1", "anyone")
    assert held_identifiers(known, "s1") == ("s1", "o1", "anyone")
    assert held_identifiers(known, "nothing") == ()
    assert identifiers_towards(known, "bob1", "ann1") == ("bob1", "o1", "anyone")
    assert identifiers_towards(known, "zoe1", "ann1") == ("o1",)  # by the group, whose account ann sees
    assert identifiers_towards(known, "eve1", "ann1") == ()
    assert identifiers_towards(known, "bob1", "eve1") == ()
    assert seen(known, "anyone") == "anyone"
    for end in (GroupLeft("o1", "uzoe"), GroupRemoved("o1", "sales"), SharingSwitched(False)):
        assert identifiers_towards(book(end), "zoe1", "ann1") == ()


def test_a_rule_of_a_later_release_shows_nobody() -> None:
    known = book(SharingRuleChanged("da", "by-moonlight"))
    assert (seen(known, "bob@a.example"), visible_domains(known, "ann1")) == ("", [])


def test_domains_without_a_rule_take_no_room() -> None:
    known = KnownSharing()
    for number in range(1000):
        known.apply(DomainAdded(f"d{number}", f"{number}.example", True))
    assert known._rules == {}
    assert known.rule_of("d1") == SharingRule()

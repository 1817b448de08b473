"""Applications in the address book."""

from __future__ import annotations

from shared.events import credentials
from shared.events.directory import AccountAdded, AliasAdded, DomainAdded, DomainValueChanged
from shared.eventstore.event import Event
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Resolution, ResolutionKind, Target
from shared.routing.way import way_of

SHOP = "shop.app@a.example"


def book(*events: Event) -> AddressBook:
    built = AddressBook()
    first = (
        DomainAdded("d1", "a.example", True),
        AccountAdded("a1", "ann@a.example", "u1"),
        credentials.ApplicationAdded("a2", SHOP, "", quota_bytes=7),
    )
    for event in (*first, *events):
        built.apply(event)
    return built


def resolve(built: AddressBook, address: str) -> Resolution:
    return built.resolve(parse_address(address))


def test_it_refuses_mail_before_wildcards_and_catch_all() -> None:
    built = book(
        AliasAdded("*.app@a.example", ("ann@a.example",)), DomainValueChanged("d1", "catch_all", "ann@a.example", "")
    )
    assert resolve(built, SHOP).kind is ResolutionKind.DISABLED
    assert resolve(built, "shop.app+x@a.example").kind is ResolutionKind.DISABLED
    assert resolve(built, "other.app@a.example").kind is ResolutionKind.ACCOUNTS
    (step,) = way_of(built, parse_address(SHOP))
    assert step.text == f"The application {SHOP} only sends: mail is refused."


def test_it_receives_where_that_is_switched_on() -> None:
    built = book(
        AliasAdded("info@a.example", (SHOP, "ann@a.example")), credentials.ApplicationReceivingSwitched("a2", True)
    )
    target = Target(SHOP, "a2", 7)
    assert resolve(built, SHOP) == Resolution(ResolutionKind.ACCOUNTS, (target,))
    assert resolve(built, "shop.app+x@a.example").detail == "x"
    assert target in resolve(built, "info@a.example").targets
    built.apply(credentials.ApplicationSwitched("a2", True))
    assert resolve(built, SHOP).kind is ResolutionKind.DISABLED
    assert [end.account for end in resolve(built, "info@a.example").targets] == ["a1"]


def test_a_rename_moves_it_and_its_old_name_is_free() -> None:
    built = book(credentials.ApplicationRenamed("a2", "store.app@a.example", SHOP))
    assert resolve(built, SHOP).kind is ResolutionKind.UNKNOWN
    assert resolve(built, "store.app@a.example").kind is ResolutionKind.DISABLED
    built.apply(credentials.ApplicationRemoved("a2", "store.app@a.example"))
    assert resolve(built, "store.app@a.example").kind is ResolutionKind.UNKNOWN


def test_it_sends_as_its_own_address_alone() -> None:
    built = book(
        AliasAdded("info@a.example", (SHOP,)),
        credentials.ApplicationReceivingSwitched("a2", True),
        DomainValueChanged("d1", "masquerading", "on", ""),
    )
    texts = (SHOP, "shop.app+1@a.example", "info@a.example", "ann@a.example", "any@a.example")
    assert [built.may_send_as("a2", parse_address(text)) for text in texts] == [True, False, False, False, False]
    built.apply(credentials.ApplicationSwitched("a2", True))
    assert not built.may_send_as("a2", parse_address(SHOP))

"""The largest message of a domain, an account and an application in the address book."""

from __future__ import annotations

from shared.events.account_limits import AccountSizeLimitChanged, ApplicationQuotaChanged
from shared.events.credentials import ApplicationAdded, ApplicationRemoved
from shared.events.directory import AccountAdded, AccountRemoved, AliasAdded, DomainAdded, DomainValueChanged
from shared.eventstore.event import Event
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Target

ANN, BOB, SHOP = "ann@a.example", "bob@a.example", "shop.app@a.example"


def book(*events: Event) -> AddressBook:
    built = AddressBook()
    first = (
        DomainAdded("d1", "a.example", True),
        AccountAdded("a1", ANN, "u1"),
        AccountAdded("a2", BOB, "u2"),
        ApplicationAdded("a3", SHOP, "", receives=True, quota_bytes=7),
    )
    for event in (*first, *events):
        built.apply(event)
    return built


def limits(built: AddressBook) -> list[int]:
    return [built.size_limit_of(parse_address(address)) for address in (ANN, BOB, SHOP)]


def test_the_smaller_limit_of_account_and_domain_counts() -> None:
    of_domain = DomainValueChanged("d1", "max_message_size", "100000", "")
    assert limits(book()) == [0, 0, 0]
    assert limits(book(AccountSizeLimitChanged("a1", 70_000))) == [70_000, 0, 0]
    assert limits(book(of_domain, AccountSizeLimitChanged("a1", 70_000))) == [70_000, 100_000, 100_000]
    assert limits(book(of_domain, AccountSizeLimitChanged("a1", 200_000))) == [100_000] * 3
    assert limits(book(AccountSizeLimitChanged("a3", 80_000))) == [0, 0, 80_000]


def test_without_a_limit_of_its_own_that_of_the_domain_counts_again() -> None:
    of_domain = DomainValueChanged("d1", "max_message_size", "100000", "")
    built = book(of_domain, AccountSizeLimitChanged("a1", 70_000), AccountSizeLimitChanged("a1", 0))
    assert limits(built) == [100_000] * 3


def test_who_gets_the_address_later_has_no_limit() -> None:
    built = book(AccountSizeLimitChanged("a1", 70_000), AccountRemoved("a1", ANN), AccountAdded("a9", ANN, "u1"))
    assert limits(built) == [0, 0, 0]
    built.apply(AccountSizeLimitChanged("a1", 70_000))
    assert limits(built) == [0, 0, 0]
    built = book(AccountSizeLimitChanged("a3", 80_000), ApplicationRemoved("a3", SHOP))
    assert limits(built) == [0, 0, 0]


def test_an_alias_takes_what_the_most_generous_of_its_targets_takes() -> None:
    both = AliasAdded("both@a.example", (ANN, BOB)), AliasAdded("me@a.example", (ANN,))
    built = book(*both, AccountSizeLimitChanged("a1", 70_000))
    assert built.recipient_size_limit(parse_address("both@a.example")) == 0
    assert built.recipient_size_limit(parse_address("me@a.example")) == 70_000
    assert built.recipient_size_limit(parse_address("ann+tag@a.example")) == 70_000
    built.apply(AccountSizeLimitChanged("a2", 90_000))
    assert built.recipient_size_limit(parse_address("both@a.example")) == 90_000


def test_the_quota_of_an_application_is_that_of_its_mail() -> None:
    built = book(ApplicationQuotaChanged("a3", 9, 5))
    assert built.resolve(parse_address(SHOP)).targets == (Target(SHOP, "a3", 9, quota_messages=5),)

"""The address book and the reader of claims answer every case of the table of senders."""

from __future__ import annotations

import pytest

from services.ingress.domain.claims import UnclearClaim, claimed_addresses
from shared.events import directory as events
from shared.events.send_as import SendAsGranted
from shared.eventstore.event import Event
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from tests.harness.sender_cases import SenderCase, cases, changes

CASES = cases()


@pytest.fixture(scope="module")
def book() -> AddressBook:
    """The directory of the table. The ids of domains, users and accounts are their names."""
    made = AddressBook()
    for words in changes():
        for event in _events(words):
            made.apply(event)
    return made


def _events(words: tuple[str, ...]) -> list[Event]:
    match words:
        case ("domain", name, *alias):
            added: list[Event] = [events.DomainAdded(name, name, True)]
            return [*added, events.DomainAliased(name, alias[1])] if alias else added
        case ("account", address, user):
            return [events.AccountAdded(address, address, user)]
        case ("alias", address, *targets):
            return [events.AliasAdded(address, tuple(targets))]
        case ("owners", address, *users):
            return [events.AliasOwnersChanged(address, tuple(users))]
        case ("value", domain, name, *texts):
            return [events.DomainValueChanged(domain, name, " ".join(texts), "")]
        case ("disable", "account", address):
            return [events.AccountChanged(address, True, 0)]
        case ("disable", "alias", address):
            return [events.AliasSwitched(address, True)]
        case ("grant", user, address):
            return [SendAsGranted(user, address)]
        case _:
            raise AssertionError(f"no change {words}")


def test_the_table_is_read_whole() -> None:
    assert len(changes()) >= 20
    assert len(CASES) >= 65
    assert {case.answer for case in CASES} == {"yes", "no", "unclear"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"line {case.number}")
def test_who_may_send_as_whom(book: AddressBook, case: SenderCase) -> None:
    assert _answer(book, case) == case.answer


def _answer(book: AddressBook, case: SenderCase) -> str:
    try:
        claims = [parse_address(case.reverse_path)] if case.reverse_path else claimed_addresses(case.header + b"\r\n")
    except UnclearClaim:
        return "unclear"
    return "yes" if all(book.may_send_as(case.user, address) for address in claims) else "no"


def test_a_grant_ends_with_the_account_and_with_the_user(book: AddressBook) -> None:
    boss = parse_address("boss@b.example")
    made = AddressBook()

    def grant() -> None:
        made.apply(events.AccountAdded("a1", "boss@b.example", "u1"))
        made.apply(SendAsGranted("u2", "a1"))

    made.apply(events.DomainAdded("d1", "b.example", True))
    grant()
    assert made.may_send_as("u2", boss)
    made.apply(events.UserSwitched("u1", True))
    assert not made.may_send_as("u2", boss)
    made.apply(events.UserSwitched("u1", False))
    assert made.may_send_as("u2", boss)
    made.apply(events.AccountRemoved("a1", "boss@b.example"))
    made.apply(events.AccountAdded("a2", "boss@b.example", "u1"))
    assert not made.may_send_as("u2", boss)
    made.apply(events.AccountRemoved("a2", "boss@b.example"))
    grant()
    made.apply(events.UserRemoved("u2", "bob"))
    assert not made.may_send_as("u2", boss)

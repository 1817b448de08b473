"""The address book answers every case of the table."""

from __future__ import annotations

import pytest

from shared.events import credentials, lists
from shared.events import directory as events
from shared.events.groups import GroupAdded, GroupJoined, GroupLeft
from shared.eventstore.event import Event
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from tests.harness.resolution_cases import CaseLine, CaseSection, described, expected, sections

SECTIONS = sections()


class Directory:
    """Makes the events of changes. The ids of domains, users and accounts are their names."""

    def __init__(self) -> None:
        self.book = AddressBook()

    def change(self, words: tuple[str, ...]) -> None:
        for event in _events(words):
            self.book.apply(event)

    def answer(self, words: tuple[str, ...]) -> str:
        if len(words) == 3:
            user, _as, address = words
            return "yes" if self.book.may_send_as(user, parse_address(address)) else "no"
        resolution = self.book.resolve(parse_address(words[0]))
        targets = tuple(target.address for target in resolution.targets)
        return described(resolution.kind.value, targets, resolution.detail)


def _events(words: tuple[str, ...]) -> list[Event]:
    match words:
        case ("domain" | "outgoing" as kind, name, *alias):
            added: list[Event] = [events.DomainAdded(name, name, kind == "domain")]
            return [*added, events.DomainAliased(name, alias[1])] if alias else added
        case ("account", address, user):
            return [events.AccountAdded(address, address, user)]
        case ("alias", address, *targets):
            return [events.AliasAdded(address, tuple(targets))]
        case ("owners", address, *users):
            return [events.AliasOwnersChanged(address, tuple(users))]
        case ("value", domain, name, *texts):
            return [events.DomainValueChanged(domain, name, " ".join(texts), "")]
        case ("application", address):
            return [credentials.ApplicationAdded(address, address, "")]
        case ("receive", address):
            return [credentials.ApplicationReceivingSwitched(address, True)]
        case ("group", group, *users):
            return [GroupAdded(group, group), *(GroupJoined(group, user) for user in users)]
        case ("owned", address, group):
            return [events.AccountAdded(address, address, group)]
        case ("leave", group, user):
            return [GroupLeft(group, user)]
        case ("list", address, *owners):
            return [lists.ListAdded(address, address, tuple(owners))]
        case ("disable", "list", address):
            return [lists.ListChanged(address, "", True, False, False, True)]
        case ("disable", "application", address):
            return [credentials.ApplicationSwitched(address, True)]
        case ("disable", "account", address):
            return [events.AccountChanged(address, True, 0)]
        case ("disable", "alias", address):
            return [events.AliasSwitched(address, True)]
        case ("disable", "domain", name):
            return [events.DomainChanged(name, True, True)]
        case _:
            raise AssertionError(f"no change {words}")


def test_the_table_is_read_whole() -> None:
    assert len(SECTIONS) >= 19
    assert sum(bool(line.answer) for section in SECTIONS for line in section.lines) >= 85


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_the_address_book_answers(section: CaseSection) -> None:
    directory = Directory()
    for line in section.lines:
        check(directory, line)


def check(directory: Directory, line: CaseLine) -> None:
    if line.answer:
        assert directory.answer(line.words) == expected(line.answer), f"line {line.number}: {line.words}"
    else:
        directory.change(line.words)

"""Loops are noticed before they are saved, and the way of an address is explained in sentences."""

from __future__ import annotations

import pytest

from shared.events import directory as events
from shared.eventstore.event import Event
from shared.protocol.address.address import parse_address
from shared.routing.address_book import AddressBook
from shared.routing.known_names import KnownAlias, catch_all_of, kind_of
from shared.routing.loops import leads_back
from shared.routing.way import way_of


def book(*more: Event) -> AddressBook:
    result = AddressBook()
    for event in (
        events.DomainAdded("d1", "a.example", True),
        events.DomainAdded("d2", "b.example", True),
        events.DomainAliased("d2", "d1"),
        events.AccountAdded("a1", "ann@a.example", "u1"),
        events.AliasAdded("x@a.example", ("y@a.example", "z@elsewhere.example")),
        *more,
    ):
        result.apply(event)
    return result


@pytest.mark.parametrize(
    ("alias", "targets", "leads"),
    [
        ("info@a.example", ["ann@a.example"], False),
        ("info@a.example", ["info@a.example"], True),
        ("info@a.example", ["Info+tag@a.example"], True),
        ("info@a.example", ["info@b.example"], True),
        ("y@a.example", ["x@a.example"], True),
        ("y@a.example", ["y@elsewhere.example"], False),
        ("*@a.example", ["nobody@a.example"], True),
        ("*@a.example", ["ann@a.example", "ann+x@a.example"], False),
        ("sales-*@a.example", ["sales-1@a.example"], True),
        ("sales-*@a.example", ["sales@a.example"], False),
    ],
)
def test_a_loop_is_noticed(alias: str, targets: list[str], leads: bool) -> None:
    tried = KnownAlias(alias, tuple(targets), kind=kind_of(alias))
    known = book()
    before = dict(known.names.aliases)
    assert leads_back(AddressBook(known.names.with_alias(tried)), tried) is leads
    assert known.names.aliases == before
    assert known.resolve(parse_address("nobody@a.example")).targets == ()


@pytest.mark.parametrize(
    ("target", "leads"), [("ann@a.example", False), ("nobody@a.example", True), ("y@b.example", True)]
)
def test_a_catch_all_that_falls_into_itself_is_noticed(target: str, leads: bool) -> None:
    known = book()
    tried = AddressBook(known.names.with_catch_all(known.names.domains["a.example"], (target,)))
    catch_all = catch_all_of("a.example", (target,))
    assert catch_all is not None
    assert leads_back(tried, catch_all) is leads


def test_a_way_through_the_whole_house() -> None:
    known = book(events.AliasAdded("y@a.example", ("ann@a.example",)))
    steps = way_of(known, parse_address("x+tag@b.example"))
    assert [(step.depth, step.address, step.text) for step in steps] == [
        (
            0,
            "x+tag@b.example",
            "b.example is an alias of the domain a.example: the address is x+tag@a.example. The tag tag is cut off. "
            "The alias x@a.example sends it to 2 address(es).",
        ),
        (1, "y@a.example", "The alias y@a.example sends it to 1 address(es)."),
        (2, "ann@a.example", "The account ann@a.example gets it."),
        (1, "z@elsewhere.example", "elsewhere.example is not a domain of this server: the mail leaves it."),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (events.AccountChanged("a1", True, 0), "The account ann@a.example is disabled: mail is refused."),
        (events.AccountRemoved("a1", "ann@a.example"), "Nothing here has this name"),
        (events.DomainChanged("d1", True, True), "The domain a.example is disabled: mail is refused."),
        (events.DomainChanged("d1", False, False), "The domain a.example receives no mail from outside"),
    ],
)
def test_each_reason_of_a_refusal_is_said(change: Event, text: str) -> None:
    assert text in way_of(book(change), parse_address("ann@a.example"))[0].text


def test_a_loop_in_a_way_ends_and_a_wide_way_is_cut() -> None:
    looped = book(events.AliasAdded("y@a.example", ("x@a.example",)))
    assert "The way comes back to x@a.example: it ends here." in [
        step.text for step in way_of(looped, parse_address("x@a.example"))
    ]
    names = tuple(f"n{number}@a.example" for number in range(1_000))
    wide = book(*(events.AliasAdded(name, names) for name in names))
    assert len(way_of(wide, parse_address("n0@a.example"))) == 201

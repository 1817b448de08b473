"""The address book: addresses, sub-addresses, aliases, what is disabled, and who may send as whom."""

from __future__ import annotations

import pytest

from shared.events import directory as directory_events
from shared.protocol.address.address import Address, parse_address
from shared.routing.address_book import MAX_WORK, AddressBook, LocalAddress
from shared.routing.known_names import KnownAlias
from shared.routing.loops import leads_back
from shared.routing.resolution import ResolutionKind, Target
from shared.routing.way import way_of

ANN = Target("ann@example.org", "a1")
BOB = Target("bob@example.org", "a2")


def book(*more: object) -> AddressBook:
    made = AddressBook()
    for event in (
        directory_events.DomainAdded("d1", "example.org", True),
        directory_events.DomainAdded("d2", "quiet.example", False),
        directory_events.AccountAdded("a1", "ann@example.org", "u1"),
        directory_events.AccountAdded("a2", "bob@example.org", "u2"),
        directory_events.AliasAdded(
            "info@example.org", ("ann@example.org", "bob@example.org", "eve@elsewhere.example")
        ),
        *more,
    ):
        made.apply(event)  # type: ignore[arg-type]
    return made


def kinds(address: str, *more: object) -> ResolutionKind:
    return book(*more).resolve(parse_address(address)).kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("ann@example.org", ResolutionKind.ACCOUNTS),
        ("ANN@Example.ORG", ResolutionKind.ACCOUNTS),
        ("nobody@example.org", ResolutionKind.UNKNOWN),
        ("ann@quiet.example", ResolutionKind.OUTGOING_ONLY),
        ("ann@elsewhere.example", ResolutionKind.REMOTE),
    ],
)
def test_every_kind_of_answer(address: str, kind: ResolutionKind) -> None:
    assert kinds(address) is kind


def test_a_sub_address_reaches_its_account_and_gives_the_tag() -> None:
    answer = book().resolve(parse_address("ann+lists@example.org"))
    assert (answer.targets, answer.detail) == ((ANN,), "lists")


def test_an_alias_reaches_all_its_targets_here_and_elsewhere() -> None:
    answer = book().resolve(parse_address("info+x@example.org"))
    assert answer.targets == (ANN, BOB, Target("eve@elsewhere.example"))
    assert (answer.via, answer.detail) == ("info@example.org", "x")


def test_aliases_of_aliases_are_followed_and_loops_are_cut() -> None:
    loop = (
        directory_events.AliasAdded("x@example.org", ("y@example.org",)),
        directory_events.AliasAdded("y@example.org", ("x@example.org", "ann@example.org")),
    )
    assert book(*loop).resolve(parse_address("x@example.org")).targets == (ANN,)


def test_switches_disable_and_enable() -> None:
    assert kinds("ann@example.org", directory_events.AccountChanged("a1", True, 0)) is ResolutionKind.DISABLED
    assert (
        kinds("info@example.org", directory_events.AliasSwitched("info@example.org", True)) is ResolutionKind.DISABLED
    )
    assert kinds("ann@example.org", directory_events.DomainChanged("d1", True, True)) is ResolutionKind.DISABLED
    assert kinds("ann@quiet.example", directory_events.DomainChanged("d2", True, False)) is ResolutionKind.UNKNOWN


def test_a_disabled_account_is_left_out_of_its_aliases() -> None:
    answer = book(directory_events.AccountChanged("a1", True, 0)).resolve(parse_address("info@example.org"))
    assert answer.targets == (BOB, Target("eve@elsewhere.example"))


def test_a_removed_address_is_unknown_and_an_account_wins_over_an_alias_of_its_name() -> None:
    assert kinds("ann@example.org", directory_events.AccountRemoved("a1", "ann@example.org")) is ResolutionKind.UNKNOWN
    assert kinds("info@example.org", directory_events.AliasRemoved("info@example.org")) is ResolutionKind.UNKNOWN


@pytest.mark.parametrize(
    ("user", "address", "allowed"),
    [
        ("u1", "ann@example.org", True),
        ("u1", "ann+tag@example.org", True),
        ("u1", "info@example.org", False),
        ("u1", "bob@example.org", False),
        ("u1", "eve@elsewhere.example", False),
        ("u3", "info@example.org", False),
    ],
)
def test_who_may_send_as_whom(user: str, address: str, allowed: bool) -> None:
    assert book().may_send_as(user, parse_address(address)) is allowed


@pytest.mark.parametrize(
    "off",
    [
        directory_events.DomainChanged("d1", True, True),
        directory_events.DomainRemoved("d1", "example.org"),
        directory_events.AccountChanged("a1", True, 0),
        directory_events.AccountRemoved("a1", "ann@example.org"),
    ],
)
def test_what_is_switched_off_or_gone_does_not_send(off: object) -> None:
    assert book().may_send_as("u1", parse_address("ann@example.org"))
    assert not book(off).may_send_as("u1", parse_address("ann@example.org"))


def test_an_alias_is_expanded_once_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger may name its sub-addresses a thousand times in a mail; a thousand targets took 16 ms each time."""
    expanded: list[str] = []
    expand = AddressBook._expand

    def counted(self: AddressBook, alias: KnownAlias) -> dict[str, Target]:
        expanded.append(alias.address)
        return expand(self, alias)

    monkeypatch.setattr(AddressBook, "_expand", counted)
    made = book()
    for number in range(1000):
        resolution = made.resolve(parse_address(f"info+{number}@example.org"))
        assert (resolution.targets[:2], resolution.detail) == ((ANN, BOB), str(number))
    assert len(expanded) == 1
    made.apply(directory_events.AccountRemoved("a1", "ann@example.org"))
    assert made.resolve(parse_address("info@example.org")).targets[0] == BOB
    assert len(expanded) == 2


def test_what_is_kept_of_aliases_is_bounded() -> None:
    targets = tuple(f"x{number}@elsewhere.example" for number in range(1000))
    made = book(*(directory_events.AliasAdded(f"all{number}@example.org", targets) for number in range(50)))
    for number in range(50):
        assert len(made.resolve(parse_address(f"all{number}@example.org")).targets) == 1000
    assert sum(map(len, made._expanded.values())) <= 20_000


def looks_of(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """The addresses that are looked up from now on."""
    looks: list[Address] = []
    locate = AddressBook.locate

    def counted(self: AddressBook, address: Address) -> LocalAddress | None:
        looks.append(address)
        return locate(self, address)

    monkeypatch.setattr(AddressBook, "locate", counted)
    return looks


def test_aliases_of_aliases_cost_a_bounded_number_of_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand aliases with a thousand aliases each would be a million."""
    names = tuple(f"x{number}@example.org" for number in range(1000))
    made = book(
        *(directory_events.AliasAdded(name, names) for name in names),
        directory_events.AliasAdded("all@example.org", names),
    )
    looks = looks_of(monkeypatch)
    assert made.resolve(parse_address("all@example.org")).kind is ResolutionKind.DISABLED
    assert 1_000 < len(looks) <= MAX_WORK / 10 + 2


def test_an_alias_whose_targets_only_wildcards_take_costs_a_bounded_number_of_comparisons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand targets and a thousand wildcards would be two million comparisons, some seconds of the event loop."""
    made = book(
        *(directory_events.AliasAdded(f"*a{number}b*@example.org", ("ann@example.org",)) for number in range(1000)),
        directory_events.AliasAdded("all@example.org", tuple(f"x{number}@example.org" for number in range(1000))),
    )
    looks = looks_of(monkeypatch)
    made.resolve(parse_address("all@example.org"))
    assert len(looks) <= MAX_WORK / 1_000 + 2
    tried = KnownAlias("all@example.org", tuple(f"x{number}@example.org" for number in range(1000)))
    looks.clear()
    assert not leads_back(made, tried)
    assert len(looks) <= MAX_WORK / 1_000 + 2
    looks.clear()
    assert way_of(made, parse_address("all@example.org"))[-1].text == "The way has further steps."
    assert len(looks) <= MAX_WORK / 1_000 + 3


def test_many_targets_that_exist_are_all_reached_beside_many_wildcards() -> None:
    accounts = [directory_events.AccountAdded(f"b{number}", f"b{number}@example.org", "u") for number in range(1000)]
    made = book(
        *accounts,
        *(directory_events.AliasAdded(f"*a{number}b*@example.org", ("ann@example.org",)) for number in range(1000)),
        directory_events.AliasAdded("all@example.org", tuple(account.address for account in accounts)),
    )
    assert len(made.resolve(parse_address("all@example.org")).targets) == 1000

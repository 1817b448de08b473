"""The address book against a slow reading of the rules, on generated directories."""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from shared.events import directory as events
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook

DOMAINS = ("a.example", "b.example")
ACCOUNT_NAMES = ("x", "y", "x-y")
ALIAS_NAMES = ("p", "q", "x-*", "*-y", "*", "p*q", "x+t")
LOCALPARTS = ("x", "y", "x-y", "p", "q", "pq", "p-q", "x+t", "x-y+t", "x-t", "zzz", "p+x-y", "z-y")
ADDRESSES = [f"{name}@{domain}" for name in LOCALPARTS for domain in (*DOMAINS, "far.example")]


class Directory(NamedTuple):
    """A generated directory. Both domains receive mail; b.example may be an alias of a.example."""

    aliased: bool
    separators: str
    catch_all: tuple[str, ...]
    accounts: dict[str, bool]
    """Whether each account is disabled."""
    aliases: dict[str, tuple[tuple[str, ...], bool]]
    """The targets of each alias, and whether it is disabled."""


def in_domain(names: tuple[str, ...], domain: str = DOMAINS[0]) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{name}@{domain}" for name in names])


DIRECTORIES = st.builds(
    Directory,
    st.booleans(),
    st.sampled_from(["", "+", "-", "+-"]),
    st.lists(in_domain(ACCOUNT_NAMES), max_size=2).map(tuple),
    st.dictionaries(in_domain(ACCOUNT_NAMES), st.booleans()),
    st.dictionaries(
        in_domain(ALIAS_NAMES),
        st.tuples(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3).map(tuple), st.booleans()),
    ),
)


def book_of(directory: Directory) -> AddressBook:
    book = AddressBook()
    known = [
        *(events.DomainAdded(name, name, True) for name in DOMAINS),
        *([events.DomainAliased(DOMAINS[1], DOMAINS[0])] if directory.aliased else []),
        events.DomainValueChanged(DOMAINS[0], "separators", directory.separators or "none", ""),
        events.DomainValueChanged(DOMAINS[0], "catch_all", " ".join(directory.catch_all), ""),
        *(events.AccountAdded(name, name, "u") for name in directory.accounts),
        *(events.AccountChanged(name, True, 0) for name, disabled in directory.accounts.items() if disabled),
        *(events.AliasAdded(name, targets) for name, (targets, _) in directory.aliases.items()),
        *(events.AliasSwitched(name, True) for name, (_, disabled) in directory.aliases.items() if disabled),
    ]
    for event in known:
        book.apply(event)
    return book


class Reading:
    """The rules of docs/flow.md, *The route of an address*, read one by one."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def ends(self, address: str, path: frozenset[str] = frozenset()) -> set[str]:
        """The final addresses; empty when mail is refused."""
        name, _, domain = address.partition("@")
        if domain not in DOMAINS:
            return {address}
        if domain == DOMAINS[1]:
            if not self._directory.aliased:
                return set()  # the domain has no addresses
            domain = DOMAINS[0]
        return self._local(name, domain, path)

    def _local(self, name: str, domain: str, path: frozenset[str]) -> set[str]:
        names = list(dict.fromkeys([name, self._without_tag(name)]))
        for form in (f"{name}@{domain}" for name in names):
            if form in self._directory.accounts:
                if not self._directory.accounts[form]:
                    return {form}
                return self._caught(path)
            if form in self._directory.aliases:
                return self._through(form, path)
        for form in names:
            matching = [alias for alias in self._directory.aliases if "*" in alias and _matches(alias, form)]
            if matching:
                return self._through(min(matching, key=lambda alias: (-len(alias.replace("*", "")), alias)), path)
        return self._caught(path)

    def _without_tag(self, name: str) -> str:
        if not self._directory.separators:
            return name
        match = re.match(f"(.+?)[{re.escape(self._directory.separators)}]", name)
        return match[1] if match else name

    def _caught(self, path: frozenset[str]) -> set[str]:
        if "catch-all" in path:
            return set()
        return self._union(self._directory.catch_all, path | {"catch-all"})

    def _through(self, alias: str, path: frozenset[str]) -> set[str]:
        targets, disabled = self._directory.aliases[alias]
        return set() if disabled or alias in path else self._union(targets, path | {alias})

    def _union(self, targets: tuple[str, ...], path: frozenset[str]) -> set[str]:
        return {end for target in targets for end in self.ends(target, path)}


def _matches(alias: str, name: str) -> bool:
    pattern = ".*".join(map(re.escape, alias.partition("@")[0].split("*")))
    return re.fullmatch(pattern, name) is not None


@given(DIRECTORIES)
def test_the_book_reads_the_rules(directory: Directory) -> None:
    book, reading = book_of(directory), Reading(directory)
    for address in ADDRESSES:
        name, _, domain = address.partition("@")
        resolution = book.resolve(Address(name, domain))
        assert {target.address for target in resolution.targets} == reading.ends(address), address


@given(DIRECTORIES)
def test_nobody_sends_as_what_another_holds(directory: Directory) -> None:
    """Whoever may send as an address gets its mail, alone."""
    book, reading = book_of(directory), Reading(directory)
    for address in ADDRESSES:
        name, _, domain = address.partition("@")
        if book.may_send_as("u", Address(name, domain)):
            (end,) = reading.ends(address)
            assert directory.accounts[end] is False

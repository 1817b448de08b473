"""The lists of blocked and allowed senders and networks, of the server and of accounts, from the directory's events.

An account's own lists are asked first, then those of the server. Of the patterns that stand for a sender, the most
specific counts: an address, its domain, a parent of its domain, its name at every domain, then other wildcards, those
with the most literal characters first. Each sender costs a few looks and a bounded number of comparisons, however long
the lists are.
"""

from __future__ import annotations

import ipaddress
from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.directory import AccountRemoved
from shared.eventstore.event import Event
from shared.routing.sender_patterns import (
    Network,
    SenderGlob,
    is_literal_form,
    literal_forms,
    network_of_pattern,
)

SenderList = Literal["block", "allow"]
BLOCK: Final[SenderList] = "block"
ALLOW: Final[SenderList] = "allow"
_SENDERS = 10
"""Senders of a mail that are looked for; a From field may have more."""


class ListedSender(msgspec.Struct, frozen=True):
    """A pattern that stands for a sender."""

    list: SenderList
    pattern: str
    sender: str
    """The lookup key of the sender; empty where a network matched."""
    rank: tuple[int, int] = (0, 0)
    """Smaller is more specific."""


class AccountLists:
    """The lists of one account, or of the server."""

    __slots__ = ("_globs", "_networks", "patterns")

    def __init__(self) -> None:
        self.patterns: dict[str, SenderList] = {}
        self._globs: list[tuple[int, str, SenderGlob]] = []
        self._networks: dict[tuple[int, int], set[int]] = {}
        """Networks by version and length of the prefix, so that an address costs one look for each length in use."""

    def add(self, pattern: str, chosen: SenderList) -> None:
        """Put a canonical pattern on a list."""
        is_new = pattern not in self.patterns
        self.patterns[pattern] = chosen
        network = network_of_pattern(pattern)
        if network is not None:
            self._networks.setdefault((network.version, network.prefixlen), set()).add(_bits(network))
        elif is_new and not is_literal_form(pattern):
            glob = SenderGlob(pattern)
            insort(self._globs, (-glob.literal, pattern, glob), key=lambda entry: entry[:2])

    def remove(self, pattern: str) -> None:
        """Remove a pattern, if it is there."""
        if self.patterns.pop(pattern, None) is None:
            return
        network = network_of_pattern(pattern)
        if network is not None:
            key = (network.version, network.prefixlen)
            self._networks[key].discard(_bits(network))
            if not self._networks[key]:
                del self._networks[key]
        elif not is_literal_form(pattern):
            self._globs = [entry for entry in self._globs if entry[1] != pattern]

    def network_of(self, address: str) -> str:
        """The smallest blocked network with this IP address; empty when there is none."""
        if not self._networks:
            return ""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return ""
        number, longest = int(parsed), parsed.max_prefixlen
        for version, length in sorted(self._networks, reverse=True):
            if version == parsed.version and number >> (longest - length) in self._networks[version, length]:
                return str(ipaddress.ip_network(f"{address}/{length}", strict=False))
        return ""

    def find(self, key: str) -> ListedSender | None:
        """The most specific pattern that stands for a lookup key."""
        return next(self._matching(key), None)

    def _matching(self, key: str) -> Iterator[ListedSender]:
        for place, form in enumerate(literal_forms(key)):
            chosen = self.patterns.get(form)
            if chosen is not None:
                yield ListedSender(chosen, form, key, (0, place))
        for negative, pattern, glob in self._globs:
            if glob.matches(key):
                yield ListedSender(self.patterns[pattern], pattern, key, (1, negative))


class BlockLists:
    """All lists. Events must be applied in order; other events are ignored."""

    def __init__(self) -> None:
        self._lists: dict[str, AccountLists] = {}

    def apply(self, event: Event) -> None:
        """Apply one event."""
        match event:
            case BlockingEntriesAdded(account, chosen, patterns):
                lists = self._lists.setdefault(account, AccountLists())
                for pattern in patterns:
                    lists.add(pattern, ALLOW if chosen == ALLOW else BLOCK)
            case BlockingEntriesRemoved(account, _, patterns):
                lists = self._lists.get(account, AccountLists())
                for pattern in patterns:
                    lists.remove(pattern)
                if not lists.patterns:
                    self._lists.pop(account, None)
            case AccountRemoved(account):
                self._lists.pop(account, None)
            case _:
                pass

    @property
    def has_own(self) -> bool:
        """Whether any account has lists of its own."""
        return len(self._lists) > ("" in self._lists)

    def has_lists(self, account: str) -> bool:
        """Whether an account, or with an empty id the server, has anything on its lists."""
        return account in self._lists

    def blocked_network(self, address: str, account: str = "") -> str:
        """The blocked network of a client's IP address; empty when it is not blocked."""
        lists = self._lists.get(account)
        return lists.network_of(address) if lists is not None else ""

    def find(self, senders: Iterable[str], account: str = "") -> list[ListedSender]:
        """The most specific pattern for each of the senders, given by their lookup keys; the most specific first.

        Of equally specific ones, those that block come first.
        """
        lists = self._lists.get(account)
        if lists is None:
            return []
        listed = [lists.find(sender) for sender, _ in zip(dict.fromkeys(senders), range(_SENDERS), strict=False)]
        return sorted(
            (entry for entry in listed if entry is not None), key=lambda entry: (entry.rank, entry.list != BLOCK)
        )


def _bits(network: Network) -> int:
    return int(network.network_address) >> (network.max_prefixlen - network.prefixlen)

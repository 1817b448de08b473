"""Patterns of senders and networks: how they are written, and which senders they stand for.

    bob@x.example     an address
    x.example         every address of a domain, the same as *@x.example
    *.x.example       every address of its sub-domains
    bob@*             a name at every domain
    b?b-*@x.example   `*` stands for any characters, `?` for one
    192.0.2.0/24      a network; a single address is one as well

They are compared as lookup keys, without regular expressions, in a time that is bounded by their lengths.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, TypeAlias

from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError, parse_domain

LONGEST_PATTERN: Final = 320
MOST_WILDCARDS: Final = 8
ANY: Final = "*"
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_WILD = re.compile(r"[*?]")
_WILD_DOMAIN = re.compile(r"[a-z0-9_.*?-]+", re.ASCII)
_NETWORK = re.compile(r"[0-9.]+(/[0-9]+)?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(/[0-9]+)?", re.ASCII)
_MAPPED_BITS = 96


class PatternError(ValueError):
    """A text is no pattern. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def canonical_pattern(text: str) -> str:
    """The canonical form of a pattern of a sender or a network. Raises PatternError."""
    text = text.strip()
    if not text or len(text) > LONGEST_PATTERN or not text.isprintable():
        raise PatternError(f"a pattern has 1 to {LONGEST_PATTERN} printable characters")
    if _NETWORK.fullmatch(text):
        return str(_network(text))
    if len(_WILD.findall(text)) > MOST_WILDCARDS:
        raise PatternError(f"a pattern has at most {MOST_WILDCARDS} wildcards")
    localpart, separator, domain = text.rpartition("@")
    if not separator:
        localpart = ANY
    if not localpart or not domain:
        raise PatternError("give an address, a domain or a network, such as bob@x.example, x.example or 192.0.2.0/24")
    if not _WILD.search(localpart + domain):
        return lookup_key(_address(text))
    pattern = f"{_folded(localpart)}@{_domain(domain)}"
    if not _WILD.sub("", pattern).strip("@."):
        raise PatternError("this pattern stands for every sender")
    return pattern


def network_of_pattern(pattern: str) -> Network | None:
    """The network of a canonical pattern; None for a pattern of senders."""
    return ipaddress.ip_network(pattern) if "@" not in pattern else None


def literal_forms(key: str) -> Iterator[str]:
    """The patterns without further wildcards that stand for a lookup key, the most specific first."""
    localpart, _, domain = key.rpartition("@")
    yield key
    yield f"*@{domain}"
    parent = domain.partition(".")[2]
    while parent:
        yield f"*@*.{parent}"
        parent = parent.partition(".")[2]
    yield f"{localpart}@*"


def is_literal_form(pattern: str) -> bool:
    """Whether a canonical pattern of senders is found by `literal_forms`, without a comparison."""
    localpart, _, domain = pattern.rpartition("@")
    if not _WILD.search(localpart):
        return domain == ANY or not _WILD.search(domain)
    return localpart == ANY and not _WILD.search(domain.removeprefix("*."))


class SenderGlob:
    """A pattern with `*` and `?`, to be compared with lookup keys."""

    __slots__ = ("_pieces", "literal", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces = tuple(text.split(ANY))
        self.literal = len(_WILD.sub("", text))
        """The number of its literal characters; a pattern with more of them is more specific."""

    def matches(self, key: str) -> bool:
        """Whether the pattern stands for this lookup key."""
        first, *others = self._pieces
        if not others:
            return len(key) == len(first) and _fits(first, key, 0)
        last = others.pop()
        end = len(key) - len(last)
        if len(first) > end or not _fits(first, key, 0) or not _fits(last, key, end):
            return False
        place = len(first)
        for piece in others:  # the first place of each piece leaves the most room for the others
            place = _find(piece, key, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True


def _fits(piece: str, key: str, place: int) -> bool:
    if "?" not in piece:
        return key.startswith(piece, place)
    return len(piece) <= len(key) - place and all(
        character in ("?", key[place + offset]) for offset, character in enumerate(piece)
    )


def _find(piece: str, key: str, place: int, end: int) -> int:
    if "?" not in piece:
        return key.find(piece, place, end)
    return next((at for at in range(place, end - len(piece) + 1) if _fits(piece, key, at)), -1)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise PatternError(f"it is no network: {error}") from None
    if network.prefixlen == 0:
        raise PatternError("this network is the whole Internet")
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_BITS:
        return ipaddress.ip_network(f"{mapped}/{network.prefixlen - _MAPPED_BITS}", strict=False)
    return network


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise PatternError(f"it is no address: {error.reason}") from None


def _folded(localpart: str) -> str:
    """A localpart with wildcards in the form of lookup keys."""
    return lookup_key(Address(unicodedata.normalize("NFC", localpart), "x")).rpartition("@")[0]


def _domain(text: str) -> str:
    if not _WILD.search(text):
        try:
            return parse_domain(text)
        except AddressError as error:
            raise PatternError(f"it has no domain: {error.reason}") from None
    labels = (label if label.isascii() else _a_label(label) for label in text.lower().split("."))
    domain = ".".join(labels)
    if not _WILD_DOMAIN.fullmatch(domain) or ".." in domain:
        raise PatternError("its domain has letters, digits, '-', '.' and wildcards")
    return domain


def _a_label(label: str) -> str:
    try:
        return parse_domain(f"{label}.example").removesuffix(".example")
    except AddressError:
        raise PatternError("a label with other letters than ASCII has no wildcard") from None

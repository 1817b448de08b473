"""Chooses the addresses that an attempt tries, in order, from the hosts of a domain or of a relay."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import zip_longest

import msgspec

from services.outbound.domain.exchangers import Exchanger, Exchangers
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_REMEMBERED = 4_096
"""Addresses whose form and network are remembered: every mail to a destination asks about the same few."""


class HopAddress(msgspec.Struct, frozen=True):
    """One address to connect to."""

    host: str
    address: str
    port: int
    is_secure: bool = False
    """Whether the DNS answers that led here are validated (RFC 7672 §2.2.2)."""
    target: str = ""
    """The name at the end of the host's CNAME chain; empty without a chain."""
    is_named_securely: bool = False
    """Whether a validated answer names the host as a mail server of the domain."""


class NextHop(msgspec.Struct, frozen=True):
    """Where an attempt goes."""

    key: str
    """Equal for all domains with the same hosts in the same order, so that they share connections and limits."""
    route: str
    """A description for people: `mx example.org` or `relay smtp.example.net`."""
    domain: str
    addresses: tuple[HopAddress, ...]


class HopRules(msgspec.Struct, frozen=True):
    """What the installation allows."""

    own_names: frozenset[str] = frozenset()
    own_addresses: frozenset[str] = frozenset()
    """Addresses at which this installation itself takes mail on `port`."""
    allowed_networks: tuple[Network, ...] = ()
    """Loopback, private and link-local networks to which mail may be sent."""
    port: int = 25
    most_addresses: int = 8
    uses_ipv6: bool = True


def next_hop(exchangers: Exchangers, rules: HopRules, seed: int) -> NextHop | RecipientOutcome:
    """The addresses to try, by preference, or the outcome for the recipients when none is left.

    Hosts of equal preference are in an order that depends on `seed`, so that they share the load (RFC 5321 §5.1).
    """
    reachable = _before_ourselves(exchangers.hosts, rules)
    if not reachable:
        reason = f"the mail servers of {exchangers.domain} are this server itself, which does not take its mail"
        return RecipientOutcome(SendingResult.REFUSED, "5.4.6", reason)
    ordered = sorted(reachable, key=lambda host: (host.preference, _shuffled(host.name, seed)))
    addresses = [address for host in ordered for address in _addresses(host, rules)]
    permitted = [address for address in addresses if is_permitted(address.address, rules.allowed_networks)]
    if not permitted:
        return _without_address(exchangers, addresses)
    return NextHop(
        _key(reachable), f"mx {exchangers.domain}", exchangers.domain, tuple(permitted[: rules.most_addresses])
    )


def relay_hop(exchangers: Exchangers, port: int, rules: HopRules) -> NextHop | RecipientOutcome:
    """The addresses of a relay, which may be private. A relay without an address is a fault of ours."""
    changed = msgspec.structs.replace(rules, port=port)
    addresses = [address for host in exchangers.hosts for address in _addresses(host, changed)]
    name = exchangers.domain
    if not addresses:
        reason = f"the relay {name} has no address, or the DNS does not answer"
        return RecipientOutcome(SendingResult.DEFERRED, "4.4.3", reason, Cause.OURS)
    return NextHop(f"relay {name}:{port}", f"relay {name}", name, tuple(addresses[: rules.most_addresses]))


def _before_ourselves(hosts: Sequence[Exchanger], rules: HopRules) -> list[Exchanger]:
    """The hosts that are preferred to this server, so that mail never goes round (RFC 5321 §5.1)."""
    ours = [host.preference for host in hosts if _is_ours(host, rules)]
    limit = min(ours, default=None)
    return [host for host in hosts if limit is None or host.preference < limit]


def _is_ours(host: Exchanger, rules: HopRules) -> bool:
    if host.name.lower() in rules.own_names:
        return True
    return any(_plain(address) in rules.own_addresses for address in (*host.ipv6, *host.ipv4))


def _addresses(host: Exchanger, rules: HopRules) -> Iterator[HopAddress]:
    """The addresses of a host, IPv6 and IPv4 in turn, so that a broken family costs one attempt and not all."""
    ipv6: Iterable[str] = host.ipv6 if rules.uses_ipv6 else ()
    for pair in zip_longest(ipv6, host.ipv4):
        for address in pair:
            if address is not None:
                yield HopAddress(host.name, address, rules.port, host.is_secure, host.target, host.is_named_securely)


def is_permitted(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a connection may be made to an address: it is public, or in a network that is allowed."""
    parsed = _parse(address)
    if parsed is None:
        return False
    return _is_public(parsed) or any(parsed in network for network in allowed if network.version == parsed.version)


@lru_cache(maxsize=_REMEMBERED)
def _is_public(address: _IpAddress) -> bool:
    return address.is_global and not address.is_multicast


@lru_cache(maxsize=_REMEMBERED)
def _parse(address: str) -> _IpAddress | None:
    """An address; an IPv4-mapped IPv6 address is the IPv4 address. None for other text."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


@lru_cache(maxsize=_REMEMBERED)
def _plain(address: str) -> str:
    """The address in its shortest form."""
    return str(_parse(address) or address)


def _without_address(exchangers: Exchangers, addresses: Sequence[HopAddress]) -> RecipientOutcome:
    domain = exchangers.domain
    if any(host.is_unanswered for host in exchangers.hosts):
        reason = f"the addresses of the mail servers of {domain} cannot be looked up now"
        return RecipientOutcome(SendingResult.DEFERRED, "4.4.3", reason, Cause.OURS)
    if addresses:
        reason = f"the mail servers of {domain} have only private or local addresses, to which no mail is sent"
        return RecipientOutcome(SendingResult.REFUSED, "5.4.4", reason)
    reason = f"the mail servers of {domain} have no address"
    if exchangers.is_implicit:
        reason = f"the domain {domain} has neither a mail server nor an address"
    return RecipientOutcome(SendingResult.REFUSED, "5.4.4", reason)


def _key(hosts: Sequence[Exchanger]) -> str:
    """Equal for domains with the same hosts in the same order, whatever their preferences are as numbers."""
    ranks = {preference: rank for rank, preference in enumerate(sorted({host.preference for host in hosts}))}
    return ",".join(sorted(f"{ranks[host.preference]} {host.name}{_security(host)}" for host in hosts))


def _security(host: Exchanger) -> str:
    """What DNSSEC says about a host is part of the key: a domain must not lower it for others with the same hosts."""
    return f"+{int(host.is_named_securely)}{int(host.is_secure)}" if host.is_named_securely or host.is_secure else ""


def _shuffled(name: str, seed: int) -> bytes:
    return blake2b(f"{seed} {name}".encode(), digest_size=8).digest()

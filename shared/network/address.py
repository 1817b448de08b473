"""Who counts as one client; all limits per client, of connections and of log-ins, use this module."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_IPV6_NETWORK = 64
"""The prefix length of an IPv6 network. A subscriber gets at least a /64 (RFC 6177) and can use any address in it."""
_NETWORK_MASK = (1 << 128) - (1 << (128 - _IPV6_NETWORK))
_CACHED = 4096
"""Recent addresses that are cached, because a client has many connections."""


def plain_address(address: str) -> str:
    """The address without its zone; an IPv4-mapped one as an IPv4 address (RFC 4291 §2.5.5.2)."""
    if ":" not in address:
        return address
    bare = address.partition("%")[0]
    mapped = _parsed(bare)
    if isinstance(mapped, ipaddress.IPv6Address) and mapped.ipv4_mapped is not None:
        return str(mapped.ipv4_mapped)
    return bare


@lru_cache(_CACHED)
def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address; ::1 alone.

    Empty for a text that is no address.
    """
    parsed = _parsed(plain_address(address))
    if parsed is None:
        return ""
    if parsed.version == 4 or parsed.is_loopback:
        return str(parsed)
    return f"{ipaddress.IPv6Address(int(parsed) & _NETWORK_MASK)}/{_IPV6_NETWORK}"


def is_loopback(address: str) -> bool:
    """Whether it is this machine.

    A proxy or webmail there serves many people, so it is exempt from limits per client.
    """
    parsed = _parsed(plain_address(address))
    return parsed is not None and parsed.is_loopback


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None

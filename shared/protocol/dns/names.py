"""Domain names as mail authentication needs them: checked, in A-labels, or reversed."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import idna

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABELS = re.compile(r"[^.]{1,63}(?:\.[^.]{1,63})*\Z")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+\Z")

MAX_NAME = 253
"""The longest name in octets, written without its final dot (RFC 1035 §2.3.4)."""


def is_askable(name: str) -> bool:
    """Whether a name fits into a DNS query: labels of 1 to 63 octets, 253 in all (RFC 1035 §2.3.4)."""
    return len(name) <= MAX_NAME and _LABELS.match(name) is not None and name.isascii()


def is_fully_qualified(domain: str) -> bool:
    """Whether a name has at least two labels of letters, digits, hyphens and underscores, the last one not a number."""
    return len(domain) <= MAX_NAME and _HOST.match(domain) is not None and not domain.rpartition(".")[2].isdigit()


@lru_cache(maxsize=4096)
def to_a_labels(domain: str) -> str | None:
    """The domain in lower-case A-labels without a final dot (RFC 5890); None when that is impossible."""
    domain = domain.removesuffix(".")
    if domain.isascii():
        return domain.lower()
    if len(domain) > MAX_NAME:
        return None
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return None


@lru_cache(maxsize=4096)
def parse_address(text: str) -> IPAddress | None:
    """The IP address of a text, or None. An IPv4-mapped address becomes the IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def reversed_name(address: IPAddress) -> str:
    """The name of the PTR record for an address (RFC 1035 §3.5, RFC 3596 §2.5)."""
    return address.reverse_pointer

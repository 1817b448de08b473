"""The addresses of this machine, so that mail is never sent to this server itself."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

_IPV4 = Path("/proc/net/fib_trie")
_IPV6 = Path("/proc/net/if_inet6")
_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


def own_addresses(ipv4: Path = _IPV4, ipv6: Path = _IPV6) -> frozenset[str]:
    """The addresses of all interfaces; empty where the system does not show them."""
    return frozenset((*_ipv4_addresses(_text_of(ipv4)), *_ipv6_addresses(_text_of(ipv6))))


def _ipv4_addresses(text: str) -> Iterator[str]:
    yield from (match[1] for match in _LOCAL.finditer(text))


def _ipv6_addresses(text: str) -> Iterator[str]:
    for line in text.splitlines():
        digits = line.split(" ", 1)[0]
        if len(digits) == 32:
            yield str(ipaddress.IPv6Address(int(digits, 16)))


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""

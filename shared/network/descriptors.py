"""The file descriptors of a process, shared out among its listeners, with a reserve for everything else.

A flood of connections then meets its listener's share, and never what the process needs for itself: calls between
services, the bus, databases, bodies of mails, name servers.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Mapping

_OF_A_CONNECTION = 2
"""Descriptors of a connection: its socket, and the file of a body that it sends or reads."""
_LEAST_RESERVE, _MOST_RESERVE = 64, 512
"""An idle process of the small layout uses some 75; name servers may be asked by TCP 200 at once."""
_KERNEL_LIMIT = 1_048_576
"""What Linux allows a process by default where the hard limit says infinity."""


def raise_limit() -> int:
    """Let this process have as many descriptors as its hard limit allows; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = _KERNEL_LIMIT if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it: the share shrinks
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    return limit_in_force()


def limit_in_force() -> int:
    """How many descriptors this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _KERNEL_LIMIT if soft == resource.RLIM_INFINITY else soft


class Descriptors:
    """Shares out a limit. Every listener claims once, before the first connection comes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._claims: dict[str, int] = {}
        self._rooms: dict[str, int] = {}

    def claim(self, listener: str, connections: int) -> Share:
        """A listener wants to take so many connections at once."""
        self._claims[listener] = connections
        self._rooms = fair_shares(self._claims, (self.limit - self._reserve) // _OF_A_CONNECTION)
        return Share(self, listener, connections)

    def room(self, listener: str) -> int:
        """How many connections a listener may have."""
        return self._rooms[listener]

    @property
    def needed(self) -> int:
        """The limit at which every listener has what it claims."""
        return sum(self._claims.values()) * _OF_A_CONNECTION + _MOST_RESERVE

    @property
    def _reserve(self) -> int:
        return max(_LEAST_RESERVE, min(self.limit // 4, _MOST_RESERVE))


class Share:
    """What one listener has of them."""

    def __init__(self, descriptors: Descriptors, listener: str, promised: int) -> None:
        self._descriptors = descriptors
        self._listener = listener
        self.promised = promised
        """Connections that the settings allow."""

    @property
    def room(self) -> int:
        """Connections that there are descriptors for; at most what was promised."""
        return self._descriptors.room(self._listener)

    @property
    def limit(self) -> int:
        """Descriptors of the process."""
        return self._descriptors.limit

    @property
    def needed(self) -> int:
        """Descriptors that the process needs to keep all promises."""
        return self._descriptors.needed


def fair_shares(claims: Mapping[str, int], available: int) -> dict[str, int]:
    """Whoever claims little gets it; the others get the same."""
    shares: dict[str, int] = {}
    left = max(available, 0)
    for number, (name, claim) in enumerate(sorted(claims.items(), key=lambda entry: entry[1])):
        shares[name] = min(claim, left // (len(claims) - number))
        left -= shares[name]
    return shares

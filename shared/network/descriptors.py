"""Divides the file descriptors of a process among its listeners, with a reserve for everything else.

A flood of connections then fills the listener's share, but not what the process itself needs: calls between services,
the bus, databases, message bodies, name servers.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Mapping

_OF_A_CONNECTION = 2
"""The descriptors of a connection: its socket, and the file of a body that it sends or reads."""
_LEAST_RESERVE, _MOST_RESERVE = 64, 512
"""An idle process of the small layout uses some 75; up to 200 may be used at once for name servers over TCP."""
_KERNEL_LIMIT = 1_048_576
"""The default limit of Linux where the hard limit is infinite."""


def raise_limit() -> int:
    """Raise the limit of this process to its hard limit; returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = _KERNEL_LIMIT if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; then the shares are smaller
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    return limit_in_force()


def limit_in_force() -> int:
    """The limit of descriptors of this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _KERNEL_LIMIT if soft == resource.RLIM_INFINITY else soft


class Descriptors:
    """Divides a limit. Every listener claims once, before its first connection."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._claims: dict[str, int] = {}
        self._rooms: dict[str, int] = {}

    def claim(self, listener: str, connections: int) -> Share:
        """Claim room for so many connections at once."""
        self._claims[listener] = connections
        self._rooms = fair_shares(self._claims, (self.limit - self._reserve) // _OF_A_CONNECTION)
        return Share(self, listener, connections)

    def room(self, listener: str) -> int:
        """The number of connections that a listener may have."""
        return self._rooms[listener]

    @property
    def needed(self) -> int:
        """The limit at which every listener would get what it claims."""
        return sum(self._claims.values()) * _OF_A_CONNECTION + _MOST_RESERVE

    @property
    def _reserve(self) -> int:
        return max(_LEAST_RESERVE, min(self.limit // 4, _MOST_RESERVE))


class Share:
    """The share of one listener."""

    def __init__(self, descriptors: Descriptors, listener: str, promised: int) -> None:
        self._descriptors = descriptors
        self._listener = listener
        self.promised = promised
        """The connections that the settings allow."""

    @property
    def room(self) -> int:
        """The connections for which there are descriptors, at most `promised`."""
        return self._descriptors.room(self._listener)

    @property
    def limit(self) -> int:
        """The limit of descriptors of the process."""
        return self._descriptors.limit

    @property
    def needed(self) -> int:
        """The descriptors that the process needs for all claims."""
        return self._descriptors.needed


def fair_shares(claims: Mapping[str, int], available: int) -> dict[str, int]:
    """Divide the descriptors: small claims are met in full, and the larger ones get equal shares."""
    shares: dict[str, int] = {}
    left = max(available, 0)
    for number, (name, claim) in enumerate(sorted(claims.items(), key=lambda entry: entry[1])):
        shares[name] = min(claim, left // (len(claims) - number))
        left -= shares[name]
    return shares

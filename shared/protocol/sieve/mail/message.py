"""The message that a script gets: its octets, read by ranges, and its scan."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from shared.protocol.message.scan import Scan, scan


class MessageOctets(Protocol):
    """The octets of a blob's body."""

    def read(self, start: int, end: int) -> bytes:
        """The octets [start, end)."""


class OctetsInMemory:
    """A message that is in memory."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def read(self, start: int, end: int) -> bytes:
        """The octets [start, end)."""
        return self._octets[start:end]


class SieveMessage(NamedTuple):
    """A message with its scan. `prefix` is the header lines that delivery puts on top, each with its CRLF; the offsets
    of the scan do not count it. Fields are added later whose lower-case names begin with `later`; tests of such fields
    raise NotKnownYet."""

    octets: MessageOctets
    scan: Scan
    prefix: bytes = b""
    later: bytes = b""


def message_in_memory(octets: bytes, prefix: bytes = b"") -> SieveMessage:
    """A message of which there is no scan yet."""
    return SieveMessage(OctetsInMemory(octets), scan(octets), prefix)

"""Names and record data out of DNS messages, as the text that answers carry."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable


class WireError(ValueError):
    """A DNS message that cannot be read."""


class _Unspeakable(Exception):
    """A name that text cannot carry without ambiguity."""


_POINTER = 0xC0
_MAX_POINTERS = 32
_MAX_NAME = 255
_UNSPEAKABLE = "?"


class NameReader:
    """Reads names of one message; a name that was pointed to before is not read again."""

    __slots__ = ("_known", "message")

    def __init__(self, message: bytes) -> None:
        self.message = message
        self._known: dict[int, str] = {}

    def read(self, at: int) -> tuple[str, int]:
        """The name there without its final dot, and where it ends (RFC 1035 section 4.1.4).

        A label with a dot or a control character in it makes no name that text could carry: such a name reads as `?`.
        """
        message = self.message
        if at + 1 < len(message) and message[at] >= _POINTER:  # the usual case: all of it a pointer
            target = (message[at] & 0x3F) << 8 | message[at + 1]
            known = self._known.get(target)
            if known is None:
                known = self._known[target] = self._read_labels(target)[0]
            return known, at + 2
        return self._read_labels(at)

    def _read_labels(self, at: int) -> tuple[str, int]:
        labels: list[bytes] = []
        end, pointers, octets = 0, 0, 0
        while True:
            length = self._octet(at)
            if length >= _POINTER:
                end = end or at + 2
                at = (length & 0x3F) << 8 | self._octet(at + 1)
                pointers += 1
            elif length:
                labels.append(self.message[at + 1 : at + 1 + length])
                at += 1 + length
                octets += 1 + length
            else:
                return _text(labels), end or at + 1
            if pointers > _MAX_POINTERS or octets > _MAX_NAME or 63 < length < _POINTER:
                raise WireError("not a name")

    def _octet(self, at: int) -> int:
        if at >= len(self.message):
            raise WireError("a name ends early")
        return self.message[at]


def _text(labels: list[bytes]) -> str:
    name = b".".join(labels)
    if name.count(b".") != max(0, len(labels) - 1) or min(name, default=33) <= 32:
        return _UNSPEAKABLE
    return name.decode("latin-1")


def record_text(names: NameReader, kind: int, start: int, end: int) -> str | None:
    """The record's text as `Answer` describes it; None when it has no such form. Raises WireError."""
    try:
        return _READERS[kind](names, start, end)
    except _Unspeakable:
        return None
    except (struct.error, OSError, IndexError, ValueError):
        raise WireError("record data of a wrong length") from None


def _ipv4(names: NameReader, start: int, end: int) -> str:
    return socket.inet_ntoa(names.message[start:end])


def _ipv6(names: NameReader, start: int, end: int) -> str:
    return socket.inet_ntop(socket.AF_INET6, names.message[start:end])


def _name(names: NameReader, start: int, end: int) -> str:
    name = names.read(start)[0]
    if name == _UNSPEAKABLE:
        raise _Unspeakable
    return name or "."


def _mx(names: NameReader, start: int, end: int) -> str:
    return f"{struct.unpack_from('!H', names.message, start)[0]} {_name(names, start + 2, end)}"


def _txt(names: NameReader, start: int, end: int) -> str:
    parts: list[bytes] = []
    while start < end:
        length = names.message[start]
        parts.append(names.message[start + 1 : min(start + 1 + length, end)])
        start += 1 + length
    return b"".join(parts).decode("latin-1")


def _srv(names: NameReader, start: int, end: int) -> str:
    priority, weight, port = struct.unpack_from("!HHH", names.message, start)
    return f"{priority} {weight} {port} {_name(names, start + 6, end)}"


def _tlsa(names: NameReader, start: int, end: int) -> str:
    usage, selector, matching = names.message[start : start + 3]
    return f"{usage} {selector} {matching} {names.message[start + 3 : end].hex()}"


def _soa(names: NameReader, start: int, end: int) -> str:
    primary, at = names.read(start)
    mailbox, at = names.read(at)
    return " ".join((primary or ".", mailbox or ".", *map(str, struct.unpack_from("!IIIII", names.message, at))))


_READERS: dict[int, Callable[[NameReader, int, int], str]] = {
    1: _ipv4,
    2: _name,
    5: _name,
    6: _soa,
    12: _name,
    15: _mx,
    16: _txt,
    28: _ipv6,
    33: _srv,
    52: _tlsa,
}

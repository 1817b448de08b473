"""Reads names and record data from DNS messages, as the text that answers contain."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import NamedTuple


class WireError(ValueError):
    """A DNS message that cannot be read."""


class _Unspeakable(Exception):
    """A name that cannot be written as text without ambiguity."""


_POINTER = 0xC0
_MAX_POINTERS = 32
_MAX_NAME = 255
_MAX_LABEL = 63
_UNSPEAKABLE = "?"


class _Name(NamedTuple):
    text: str
    octets: int
    """The octets in a message: each label with its length. RFC 1035 §2.3.4 allows 255."""


_ROOT = _Name("", 0)


class NameReader:
    """Reads the names of one message.

    A name to which a pointer refers is read only once, else a name server could make us read long names thousands of
    times (64 KB took 0.2 s).
    """

    __slots__ = ("_known", "message")

    def __init__(self, message: bytes) -> None:
        self.message = message
        self._known: dict[int, _Name] = {}

    def read(self, at: int) -> tuple[str, int]:
        """The name at this offset without its final dot, and the offset behind it (RFC 1035 §4.1.4).

        Raises WireError. A label with a dot or a control character cannot be written as text; such a name is read as
        `?`.
        """
        name, end = self._read(at, 0)
        return name.text, end

    def _read(self, at: int, pointers: int) -> tuple[_Name, int]:
        message = self.message
        labels: list[bytes] = []
        octets = 0
        while length := self._octet(at):
            if length >= _POINTER:
                target = (length & 0x3F) << 8 | self._octet(at + 1)
                return _joined(labels, octets, self._pointed_to(target, pointers + 1)), at + 2
            if length > _MAX_LABEL:
                raise WireError("not a name")
            labels.append(message[at + 1 : at + 1 + length])
            at += 1 + length
            octets += 1 + length
            if octets > _MAX_NAME:
                raise WireError("not a name")
        return _joined(labels, octets, _ROOT), at + 1

    def _pointed_to(self, target: int, pointers: int) -> _Name:
        known = self._known.get(target)
        if known is None:
            if pointers > _MAX_POINTERS:
                raise WireError("not a name")
            known = self._known[target] = self._read(target, pointers)[0]
        return known

    def _octet(self, at: int) -> int:
        if at >= len(self.message):
            raise WireError("a name ends early")
        return self.message[at]


def _joined(labels: list[bytes], octets: int, rest: _Name) -> _Name:
    """The name of these labels followed by another name."""
    if not labels:
        return rest
    if octets + rest.octets > _MAX_NAME:
        raise WireError("not a name")
    text = _text(labels)
    if _UNSPEAKABLE in (text, rest.text):
        return _Name(_UNSPEAKABLE, octets + rest.octets)
    return _Name(f"{text}.{rest.text}" if rest.text else text, octets + rest.octets)


def _text(labels: list[bytes]) -> str:
    name = b".".join(labels)
    if name.count(b".") != len(labels) - 1 or min(name, default=33) <= 32:
        return _UNSPEAKABLE
    return name.decode("latin-1")


def record_text(names: NameReader, kind: int, start: int, end: int) -> str | None:
    """The record's data in the text form of `Answer`; None when it has no such form. Raises WireError."""
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

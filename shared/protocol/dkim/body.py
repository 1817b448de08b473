"""Canonicalises and hashes the body while it is received (RFC 6376 §3.4.3 to §3.4.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.protocol.dkim.canonical import single_spaced
from shared.protocol.dkim.result import Canonicalization, HashName


class BodyNeed(NamedTuple):
    """A body hash that a signature needs."""

    method: Canonicalization
    hash_name: HashName
    length: int | None = None
    """l=: the number of octets of the canonical body that are hashed; None for all."""


class BodyHash(NamedTuple):
    """A computed body hash."""

    digest: bytes
    octets: int
    """The length of the whole canonical body, including octets that are not hashed."""


_PIECE = 32 * 1024
_EMPTY_LINES = b"\r\n" * (_PIECE // 2)


class _Sink:
    """Hashes the first `length` octets."""

    __slots__ = ("_hash", "_left")

    def __init__(self, need: BodyNeed) -> None:
        self._hash = hashlib.new(need.hash_name, usedforsecurity=False)
        self._left = need.length

    def write(self, data: bytes) -> None:
        if self._left is None:
            self._hash.update(data)
        elif self._left:
            taken = data[: self._left]
            self._left -= len(taken)
            self._hash.update(taken)

    def digest(self) -> bytes:
        return self._hash.digest()


class _Canonicalizer:
    """One canonical form, fed in pieces. White space and line ends are held back until other octets follow."""

    __slots__ = ("_held", "_line_ends", "_strip", "octets", "sinks")

    def __init__(self, strip: bytes) -> None:
        self._strip = strip
        self._held = b""
        """White space of the current line and possibly half a CRLF: at most two octets."""
        self._line_ends = 0
        self.octets = 0
        self.sinks: list[_Sink] = []

    def feed(self, chunk: bytes) -> None:
        data = self._held + chunk
        content_end = len(data.rstrip(self._strip))
        content_end = max(content_end, _after_last_bare(data, content_end))
        if content_end:
            self._release()
            self._write(self._form(data[:content_end]))
        tail = data[content_end:]
        self._line_ends += tail.count(b"\r\n")
        self._held = self._short(tail.rpartition(b"\r\n")[2])

    def finish(self) -> None:
        """End the body: empty lines at its end are removed, and it ends in one CRLF."""
        if self._held.endswith(b"\r"):
            self._release()
            self._write(self._held)
        self._end()

    def _form(self, content: bytes) -> bytes:
        return content

    def _short(self, held: bytes) -> bytes:
        return held

    def _end(self) -> None:
        self._write(b"\r\n")  # §3.4.3: CRLF is added to a body without one, and an empty body becomes CRLF

    def _release(self) -> None:
        while self._line_ends:
            piece = _EMPTY_LINES[: 2 * self._line_ends]
            self._line_ends -= len(piece) // 2
            self._write(piece)

    def _write(self, data: bytes) -> None:
        self.octets += len(data)
        for sink in self.sinks:
            sink.write(data)


class _Relaxed(_Canonicalizer):
    """§3.4.4: runs of white space become one space, none stays at line ends; a body of empty lines becomes
    empty."""

    __slots__ = ()

    def _form(self, content: bytes) -> bytes:
        return single_spaced(content).replace(b" \r\n", b"\r\n")

    def _short(self, held: bytes) -> bytes:
        blank = held.rstrip(b"\r")
        return (b" " if blank else b"") + held[len(blank) :]

    def _end(self) -> None:
        if self.octets:
            self._write(b"\r\n")


def _after_last_bare(data: bytes, start: int) -> int:
    """The end of the last bare CR or LF after `start`, which is content and not a line end."""
    end = len(data) - data.endswith(b"\r")
    bare = data[start:end].replace(b"\r\n", b"  ")
    last = max(bare.rfind(b"\r"), bare.rfind(b"\n"))
    return start + last + 1 if last >= 0 else 0


class BodyHasher:
    """Computes all body hashes of a message, with each canonical form computed once and in bounded memory."""

    __slots__ = ("_canonicalizers", "_hashes", "_sinks")

    def __init__(self, needs: Iterable[BodyNeed]) -> None:
        self._canonicalizers: dict[Canonicalization, _Canonicalizer] = {}
        self._sinks: dict[BodyNeed, _Sink] = {}
        self._hashes: dict[BodyNeed, BodyHash] | None = None
        for need in needs:
            self._add(need)

    def feed(self, chunk: bytes) -> None:
        """The next octets of the body, cut anywhere. Line ends are CRLF (RFC 5321 §2.3.8)."""
        for canonicalizer in self._canonicalizers.values():
            for piece in _pieces(chunk):
                canonicalizer.feed(piece)

    def finish(self) -> dict[BodyNeed, BodyHash]:
        """The hashes, once the body is complete."""
        if self._hashes is None:
            for canonicalizer in self._canonicalizers.values():
                canonicalizer.finish()
            self._hashes = {
                need: BodyHash(sink.digest(), self._canonicalizers[need.method].octets)
                for need, sink in self._sinks.items()
            }
        return self._hashes

    def _add(self, need: BodyNeed) -> None:
        if need in self._sinks:
            return
        if need.method not in self._canonicalizers:
            self._canonicalizers[need.method] = (
                _Relaxed(b" \t\r\n") if need.method == "relaxed" else _Canonicalizer(b"\r\n")
            )
        sink = self._sinks[need] = _Sink(need)
        self._canonicalizers[need.method].sinks.append(sink)


def _pieces(chunk: bytes) -> Iterator[bytes]:
    if len(chunk) <= _PIECE:
        yield chunk
        return
    for start in range(0, len(chunk), _PIECE):
        yield chunk[start : start + _PIECE]

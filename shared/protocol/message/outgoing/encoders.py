"""Encodes body parts (RFC 2045 §6.7, §6.8), piece by piece and in bounded memory."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from shared.protocol.message.transfer import decode_pieces

Target = Literal["quoted-printable", "base64"]

_LONGEST_HELD: Final = 65536
"""Octets of an unfinished line that are held back."""
_LINE: Final = 76  # RFC 2045 §6.7 (5), §6.8
_BASE64_INPUT: Final = _LINE // 4 * 3
_DASHES = re.compile(rb"^(--+)([^\n]*)", re.M)
# binascii encodes a blank at the end of a line without counting the two octets more.
_BLANK_BEYOND = re.compile(rb"^([^\n]{74,75})(=20|=09)$", re.M)
_DASHES_IN_LINE: Final = 24
_BARE_LF = re.compile(rb"(?<!\r)\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_MASK: Final = bytes(octet if 0 < octet < 128 else ord("?") for octet in range(256))


class QuotedPrintableEncoder:
    """Encodes text. Every CR, LF or CRLF is a line end (RFC 2045 §6.7 (4)).

    No line of the result begins with `--`, so none is taken for a delimiter of a multipart.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The encoded octets that `piece` adds."""
        text = self._rest + piece
        held = b"\r" if text.endswith(b"\r") else b""
        text = _with_lf(text[: len(text) - len(held)])
        cut = text.rfind(b"\n") + 1
        self._rest = text[cut:] + held
        encoded = _encoded_text(text[:cut]) if cut else b""
        while len(self._rest) > _LONGEST_HELD:
            encoded += _unfinished(self._rest[:_LONGEST_HELD])
            self._rest = self._rest[_LONGEST_HELD:]
        return encoded

    def finish(self) -> bytes:
        """The remaining octets at the end of the part."""
        rest, self._rest = self._rest, b""
        return _encoded_text(_with_lf(rest))


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _encoded_text(text: bytes) -> bytes:
    """Text with LF line ends, from the start of a line, encoded with CRLF line ends."""
    encoded = binascii.b2a_qp(text, istext=True)
    if b"=20" in encoded or b"=09" in encoded:
        encoded = _BLANK_BEYOND.sub(rb"\1=\n\2", encoded)
    if b"--" in encoded:
        encoded = _DASHES.sub(_without_dashes, encoded)
    return encoded.replace(b"\n", b"\r\n")


def _without_dashes(match: re.Match[bytes]) -> bytes:
    """A line that begins with dashes, with each of them encoded, on lines of at most 76 octets."""
    count, rest = len(match[1]), match[2]
    lines = [b"=2D" * min(_DASHES_IN_LINE, count - at) for at in range(0, count, _DASHES_IN_LINE)]
    if len(lines[-1]) + len(rest) <= _LINE:
        lines[-1] += rest
    else:
        lines.append(rest)
    return b"=\n".join(lines)


def _unfinished(text: bytes) -> bytes:
    """A part of a line, with a soft line break behind it."""
    encoded = _encoded_text(text)
    last = len(encoded) - (encoded.rfind(b"\n") + 1)
    if last < _LINE:
        return encoded + b"=\r\n"
    cut = len(encoded) - (3 if encoded[-3:-2] == b"=" else 1)  # the break itself needs an octet
    return encoded[:cut] + b"=\r\n" + encoded[cut:] + b"=\r\n"


class Base64Encoder:
    """Encodes any octets, on lines of 76; the last line has no CRLF."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def feed(self, piece: bytes) -> bytes:
        """The encoded octets that `piece` adds."""
        octets = self._rest + piece
        whole = len(octets) - len(octets) % _BASE64_INPUT
        self._rest = octets[whole:]
        return self._lines(octets[:whole])

    def finish(self) -> bytes:
        """The remaining octets at the end of the part."""
        rest, self._rest = self._rest, b""
        return self._lines(rest)

    def _lines(self, octets: bytes) -> bytes:
        if not octets:
            return b""
        text = binascii.b2a_base64(octets, newline=False)
        lines = b"\r\n".join([text[at : at + _LINE] for at in range(0, len(text), _LINE)])
        begun, self._begun = self._begun, True
        return b"\r\n" + lines if begun else lines


def encoded_pieces(pieces: Iterable[bytes], source: str, target: Target) -> Iterator[bytes]:
    """The octets of a part, decoded from the encoding `source` (lower case) and encoded as `target`."""
    encoder = Base64Encoder() if target == "base64" else QuotedPrintableEncoder()
    for piece in decode_pieces(pieces, source):
        if encoded := encoder.feed(piece):
            yield encoded
    if rest := encoder.finish():
        yield rest


def cleaned_pieces(pieces: Iterable[bytes], *, seven_bit: bool) -> Iterator[bytes]:
    """Octets that belong to no part, such as a preamble, which nobody reads (RFC 2046 §5.1.1).

    A bare LF becomes CRLF, a bare CR a blank, and NUL `?`; with `seven_bit` octets over 127 become `?` too.
    """
    held = b""
    for piece in pieces:
        text = held + piece
        held = b"\r" if text.endswith(b"\r") else b""
        yield _cleaned(text[: len(text) - len(held)], seven_bit)
    if held:
        yield b" "


def _cleaned(text: bytes, seven_bit: bool) -> bytes:
    text = _BARE_CR.sub(b" ", _BARE_LF.sub(b"\r\n", text))
    return text.translate(_MASK) if seven_bit else text.replace(b"\0", b"?")


def with_last_line_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, and CRLF when the last line lacks it; nothing is added to an empty body."""
    tail = b""
    for piece in pieces:
        if piece:
            tail = (tail + piece[-2:])[-2:]
            yield piece
    if tail not in (b"", b"\r\n"):
        yield b"\r\n"

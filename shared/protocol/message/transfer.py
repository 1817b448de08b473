"""Decodes content transfer encodings (RFC 2045 §6), tolerantly and in bounded pieces for parts of any size."""

import binascii
import re
from collections.abc import Iterable, Iterator

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
# RFC 2045 §6.8: characters outside the alphabet are ignored.
_NOISE = bytes(set(range(256)) - set(_ALPHABET))
# RFC 2045 §6.7 (3): white space at the end of a line was added in transport. Anchored at the start of a run, so it is
# linear.
_TRAILING = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_PADDING = re.compile(rb"=++")
_PIECE = 65536


class Base64Decoder:
    """Decodes base64 piece by piece (RFC 2045 §6.8).

    Other characters are skipped. The first valid padding ends the data, so that text which a mailing list added below
    is not decoded. A single last character is dropped.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """The decoded bytes that `piece` adds."""
        if self._ended:
            return b""
        text = self._rest + piece.translate(None, _NOISE)
        if b"=" in text:
            text, self._ended = _before_padding(text)
        if self._ended:
            self._rest = b""
            return _base64_run(text)
        whole = len(text) & ~3
        self._rest = text[whole:]
        return binascii.a2b_base64(text[:whole])

    def finish(self) -> bytes:
        """The remaining bytes at the end of the part."""
        rest, self._rest = self._rest, b""
        return _base64_run(rest)


def _before_padding(text: bytes) -> tuple[bytes, bool]:
    """The characters before the padding that ends the data, and True; or all when no `=` is valid padding."""
    *runs, last = _PADDING.split(text)
    length = 0
    for count, run in enumerate(runs, 1):
        length += len(run)
        if length % 4 > 1:
            return b"".join(runs[:count]), True
    return b"".join((*runs, last)), False


def _base64_run(text: bytes) -> bytes:
    """The characters of the alphabet without padding; a single last character contains no whole byte."""
    if len(text) % 4 == 1:
        text = text[:-1]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))


class QuotedPrintableDecoder:
    """Decodes quoted-printable piece by piece (RFC 2045 §6.7). Invalid escapes are kept."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The decoded bytes that `piece` adds; up to 64 KiB of a line without an end are held back."""
        text = self._rest + piece
        if cut := text.rfind(b"\n") + 1:
            self._rest = text[cut:]
            return _quoted_printable(text[:cut])
        cut = _cut_in_line(text) if len(text) > _PIECE else 0
        self._rest = text[cut:]
        return binascii.a2b_qp(text[:cut])

    def finish(self) -> bytes:
        """The remaining bytes at the end of the part."""
        rest, self._rest = self._rest, b""
        return _quoted_printable(rest)


def _cut_in_line(text: bytes) -> int:
    """Where an unfinished line may be divided.

    Not within an escape, and not in white space that may be at the end of the line, unless the line has nothing else.
    """
    cut = len(text) - 3
    cut = text.find(b"=", cut) if b"=" in text[cut:] else cut
    return len(text[:cut].rstrip(b" \t")) or cut


def _quoted_printable(text: bytes) -> bytes:
    """Decode whole lines, or the end of the part."""
    if b" \n" in text or b" \r" in text or b"\t\n" in text or b"\t\r" in text or text[-1:] in (b" ", b"\t"):
        text = _TRAILING.sub(b"", text)
    return binascii.a2b_qp(text) if b"=" in text else text


class IdentityDecoder:
    """The decoder of 7bit, 8bit, binary and unknown encodings."""

    def feed(self, piece: bytes) -> bytes:
        """The piece, unchanged."""
        return piece

    def finish(self) -> bytes:
        """No bytes."""
        return b""


Decoder = Base64Decoder | QuotedPrintableDecoder | IdentityDecoder
_DECODERS: dict[str, type[Base64Decoder] | type[QuotedPrintableDecoder]] = {
    "base64": Base64Decoder,
    "quoted-printable": QuotedPrintableDecoder,
}


def decoder(encoding: str) -> Decoder:
    """A decoder for the Content-Transfer-Encoding with this lower-case name."""
    return _DECODERS.get(encoding, IdentityDecoder)()


def is_known(encoding: str) -> bool:
    """Whether the encoding is one of RFC 2045 §6.1; others cannot be decoded (RFC 3516 UNKNOWN-CTE)."""
    return encoding in _DECODERS or encoding in ("7bit", "8bit", "binary")


def decode_base64(text: bytes) -> bytes:
    """Decode a complete base64 text."""
    steps = Base64Decoder()
    return steps.feed(text) + steps.finish()


def decode_q(text: bytes) -> bytes:
    """Decode the Q encoding (RFC 2047 §4.2): like quoted-printable, with `_` for a space."""
    return binascii.a2b_qp(text, header=True)


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Decode a complete body part."""
    steps = decoder(encoding)
    return steps.feed(data) + steps.finish()


def pieces(data: bytes | memoryview, size: int = _PIECE) -> Iterator[bytes]:
    """`data` in pieces of at most `size` bytes, each copied only when it is needed."""
    view = memoryview(data)
    for start in range(0, len(view), size):
        yield bytes(view[start : start + size])


def decode_pieces(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The decoded bytes of a part that arrives in pieces; at most one line (64 KiB) is held back."""
    steps = decoder(encoding)
    for piece in parts:
        if decoded := steps.feed(piece):
            yield decoded
    if rest := steps.finish():
        yield rest

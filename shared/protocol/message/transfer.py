"""Content transfer encodings (RFC 2045 §6) → bytes. Tolerant, and in bounded pieces for parts of any size."""

import binascii
import re
from collections.abc import Iterable, Iterator

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
# RFC 2045 §6.8: characters outside of the alphabet are ignored.
_NOISE = bytes(set(range(256)) - set(_ALPHABET))
# RFC 2045 §6.7 (3): white space at the end of a line was added on the way. Anchored at the first of a run: linear.
_TRAILING = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_PADDING = re.compile(rb"=++")
_PIECE = 65536


class Base64Decoder:
    """RFC 2045 §6.8, piece by piece. Noise is skipped; the first padding where padding can be ends the data, so what a
    mailing list wrote below is not taken for content; an odd last character is dropped."""

    def __init__(self) -> None:
        self._rest = b""
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """What `piece` adds to the decoded bytes."""
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
        """What is left at the end of the part."""
        rest, self._rest = self._rest, b""
        return _base64_run(rest)


def _before_padding(text: bytes) -> tuple[bytes, bool]:
    """The characters before the padding that ends the data, and True; or all, when each `=` stands where none can
    be."""
    *runs, last = _PADDING.split(text)
    length = 0
    for count, run in enumerate(runs, 1):
        length += len(run)
        if length % 4 > 1:
            return b"".join(runs[:count]), True
    return b"".join((*runs, last)), False


def _base64_run(text: bytes) -> bytes:
    """Alphabet without padding; a single last character carries no whole byte."""
    if len(text) % 4 == 1:
        text = text[:-1]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))


class QuotedPrintableDecoder:
    """RFC 2045 §6.7, piece by piece. Bad escapes stay as they are."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """What `piece` adds to the decoded bytes; a line without an end is held back up to 64 KiB."""
        text = self._rest + piece
        if cut := text.rfind(b"\n") + 1:
            self._rest = text[cut:]
            return _quoted_printable(text[:cut])
        cut = _cut_in_line(text) if len(text) > _PIECE else 0
        self._rest = text[cut:]
        return binascii.a2b_qp(text[:cut])

    def finish(self) -> bytes:
        """What is left at the end of the part."""
        rest, self._rest = self._rest, b""
        return _quoted_printable(rest)


def _cut_in_line(text: bytes) -> int:
    """Where a line that goes on may be cut: not in an escape, and not in white space that may turn out to end the line,
    unless the line consists of nothing else."""
    cut = len(text) - 3
    cut = text.find(b"=", cut) if b"=" in text[cut:] else cut
    return len(text[:cut].rstrip(b" \t")) or cut


def _quoted_printable(text: bytes) -> bytes:
    """Decodes whole lines, or the end of the part."""
    if b" \n" in text or b" \r" in text or b"\t\n" in text or b"\t\r" in text or text[-1:] in (b" ", b"\t"):
        text = _TRAILING.sub(b"", text)
    return binascii.a2b_qp(text) if b"=" in text else text


class IdentityDecoder:
    """7bit, 8bit, binary, and every encoding that nobody knows."""

    def feed(self, piece: bytes) -> bytes:
        """The piece itself."""
        return piece

    def finish(self) -> bytes:
        """Nothing."""
        return b""


Decoder = Base64Decoder | QuotedPrintableDecoder | IdentityDecoder
_DECODERS: dict[str, type[Base64Decoder] | type[QuotedPrintableDecoder]] = {
    "base64": Base64Decoder,
    "quoted-printable": QuotedPrintableDecoder,
}


def decoder(encoding: str) -> Decoder:
    """A decoder for the Content-Transfer-Encoding of that (lower-case) name."""
    return _DECODERS.get(encoding, IdentityDecoder)()


def is_known(encoding: str) -> bool:
    """Whether the encoding is one of RFC 2045 §6.1 (an unknown one cannot be decoded: RFC 3516 UNKNOWN-CTE)."""
    return encoding in _DECODERS or encoding in ("7bit", "8bit", "binary")


def decode_base64(text: bytes) -> bytes:
    """All of a base64 text."""
    steps = Base64Decoder()
    return steps.feed(text) + steps.finish()


def decode_q(text: bytes) -> bytes:
    """The Q encoding of RFC 2047 §4.2: like quoted-printable, and `_` is a space."""
    return binascii.a2b_qp(text, header=True)


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """All of a body part."""
    steps = decoder(encoding)
    return steps.feed(data) + steps.finish()


def pieces(data: bytes | memoryview, size: int = _PIECE) -> Iterator[bytes]:
    """`data` in pieces of at most `size` bytes, each copied only when it is its turn."""
    view = memoryview(data)
    for start in range(0, len(view), size):
        yield bytes(view[start : start + size])


def decode_pieces(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The decoded bytes of a part that comes in pieces; holds back no more than one line (64 KiB)."""
    steps = decoder(encoding)
    for piece in parts:
        if decoded := steps.feed(piece):
            yield decoded
    if rest := steps.finish():
        yield rest

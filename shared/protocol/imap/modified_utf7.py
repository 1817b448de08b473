"""Modified UTF-7, the 7-bit form of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3)."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_TO_SHIFT = re.compile(r"[^\x20-\x7e]+|&")


def encode_modified_utf7(name: str) -> bytes:
    """The only canonical spelling. Raises ValueError for a lone surrogate, which no name may contain."""
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode("ascii")
    return _TO_SHIFT.sub(_shift, name).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    text = match[0]
    if text == "&":
        return "&-"
    base64 = b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{base64.decode('ascii')}-"


def decode_modified_utf7(wire: bytes) -> str:
    """The name. Raises ValueError unless `wire` is its canonical spelling.

    RFC 3501 §5.1.3 forbids superfluous shifts, encoded printable ASCII and set padding bits, so that each name has one
    spelling. Encoding the result again and comparing checks all of this.
    """
    name = "".join(_pieces(wire)) if b"&" in wire else wire.decode("ascii")
    if encode_modified_utf7(name) != wire:
        raise ValueError("not canonical modified UTF-7")
    return name


def _pieces(wire: bytes) -> list[str]:
    """The plain and shifted parts in turn, decoded."""
    split = _SHIFTED.split(wire)
    return [_unshift(piece) if index % 2 else piece.decode("ascii") for index, piece in enumerate(split)]


def _unshift(base64: bytes) -> str:
    if not base64:
        return "&"
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    try:
        return a2b_base64(padded).decode("utf-16-be")
    except Base64Error:
        raise ValueError("broken base64 in modified UTF-7") from None

"""The final form of a header block: no blind recipients, CRLF line ends, no line over 998 octets (RFC 5322 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final, NamedTuple

from shared.protocol.message.headers import fields
from shared.protocol.message.outgoing.octets import LINE_LIMIT, survey

HIDDEN: Final = frozenset({b"bcc", b"resent-bcc", b"return-path"})
"""Fields that never leave: other recipients must not see Bcc (RFC 5322 §3.6.3), and whoever delivers the message writes
Return-Path (RFC 5321 §4.4)."""

_PLAIN = re.compile(rb"(?>(?:[^\x00-\x20:\x7f]++[ \t]*+:[^\n]*+\n(?>(?:[ \t][^\n]*+\n)*))*)(?>(?:\r?\n)?)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
# A CR within a line becomes a blank: as a line end it could begin a field that nobody has checked.
_NO_TEXT = re.compile(rb"\r(?!\n)|\0")
_LONG_BLANK = re.compile(rb"[ \t]{64,}+")
_MORE_BREAKS: Final = {
    **dict.fromkeys((b"from", b"sender", b"reply-to", b"to", b"cc", b"resent-to", b"resent-cc"), b","),
    **dict.fromkeys((b"references", b"in-reply-to"), b">"),
}
"""Octets of structured fields after which a blank may be added, where the line has no blank."""
_FIELD = re.compile(rb"(?:\A|\n)TLS-Required:[ \t]*([^\r\n]{0,100})", re.IGNORECASE)


class FinalHeader(NamedTuple):
    """A header block that may leave."""

    octets: bytes
    eight_bit: bool = False
    overlong: tuple[str, ...] = ()
    """Names of fields with a line over 998 octets that has no blank at which it could be folded."""


def final_header(block: bytes, *, may_add_blanks: bool = True) -> FinalHeader:
    """The block in its final form, with the blank line at its end.

    Hidden fields and lines that belong to no field are left out. With `may_add_blanks` false, a blank is added nowhere,
    so that a signature with the relaxed form of the header stays valid (RFC 6376 §3.4.2).
    """
    final = repaired_header(block, HIDDEN, may_add_blanks=may_add_blanks)
    return final if _has_end(final.octets) else final._replace(octets=final.octets + b"\r\n")


def repaired_header(block: bytes, hidden: Set[bytes] = frozenset(), *, may_add_blanks: bool = True) -> FinalHeader:
    """The block without the hidden fields, and with lines that may leave; the same object when it needs nothing."""
    octets = survey((block,))
    is_plain = not (octets.is_binary or octets.long_line) and _PLAIN.fullmatch(block) is not None
    if is_plain and not _has_any(block, hidden):
        return FinalHeader(block, octets.eight_bit)
    kept, overlong = [], []
    for field in fields(block):
        name = field.name.lower()
        if name not in hidden:
            lines, is_folded = _folded(_clean(block[field.start : field.end]), _MORE_BREAKS.get(name), may_add_blanks)
            kept.append(lines)
            if not is_folded:
                overlong.append(field.name.decode("ascii", "replace"))
    if _has_end(block):
        kept.append(b"\r\n")
    final = b"".join(kept)
    return FinalHeader(final, not final.isascii(), tuple(overlong))


def _has_end(block: bytes) -> bool:
    """Whether the block ends with a blank line."""
    return block.endswith((b"\n\r\n", b"\n\n")) or block in (b"\r\n", b"\n")


def _has_any(block: bytes, names: Set[bytes]) -> bool:
    """Whether the block may have one of the fields; it may also be text that only looks like one."""
    lines = b"\n" + block.lower()
    return any(b"\n" + name in lines for name in names)


def _clean(field: bytes) -> bytes:
    """The field with CRLF line ends, and with its last one."""
    field = _BARE_LF.sub(b"\r\n", field)
    if not field.endswith(b"\n"):
        field = field.rstrip(b"\r") + b"\r\n"
    return _NO_TEXT.sub(b" ", field)


def _folded(field: bytes, more_break: bytes | None, may_add_blanks: bool) -> tuple[bytes, bool]:
    """The field with no line over 998 octets, and whether that was possible."""
    lines = field[:-2].split(b"\r\n")
    if all(len(line) <= LINE_LIMIT for line in lines):
        return field, True
    result: list[bytes] = []
    for line in lines:
        result += _pieces(line, more_break if may_add_blanks else None) if len(line) > LINE_LIMIT else (line,)
    return b"\r\n".join(result) + b"\r\n", all(len(line) <= LINE_LIMIT for line in result)


def _pieces(line: bytes, more_break: bytes | None) -> list[bytes]:
    """A line, divided before blanks: the blank stays and begins the next line (RFC 5322 §2.2.3)."""
    line = _LONG_BLANK.sub(b" ", line.rstrip(b" \t"))  # no line may have nothing but blanks
    result: list[bytes] = []
    while len(line) > LINE_LIMIT:
        cut = max(line.rfind(blank, 1, LINE_LIMIT + 1) for blank in (b" ", b"\t"))
        if cut > 0 and line[:cut].strip(b" \t"):
            result.append(line[:cut])
            line = line[cut:]
        elif more_break and (cut := line.rfind(more_break, 1, LINE_LIMIT) + 1):
            result.append(line[:cut])
            line = b" " + line[cut:]
        else:
            cut = min((at for at in (line.find(blank, LINE_LIMIT) for blank in (b" ", b"\t")) if at > 0), default=0)
            if not cut:
                break
            result.append(line[:cut])  # still too long: this piece has no blank at which it could be folded
            line = line[cut:]
    return [*result, line]


def is_tls_optional(header: bytes) -> bool:
    """Whether a header block says so. Any other value, and a second field, have no meaning."""
    values = [match[1] for match in _FIELD.finditer(header)]
    return len(values) == 1 and values[0].strip(b" \t").lower() == b"no"

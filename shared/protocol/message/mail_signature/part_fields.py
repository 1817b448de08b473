"""The header of a changed text: its type, charset and encoding change in one step, and nothing else does."""

from __future__ import annotations

import re
from typing import Final

from shared.protocol.message.headers import Field, fields
from shared.protocol.message.mail_signature.outcome import CannotPlace, SkipReason
from shared.protocol.structured import blank_comments

_TYPE: Final = b"content-type"
_ENCODING: Final = b"content-transfer-encoding"
_DIGEST: Final = b"content-md5"
"""RFC 1864: it would be that of the old text."""
_DECLARED = re.compile(rb"\s*([^\s/;]++)\s*/\s*([^\s;]++)")
_PARAMETER = re.compile(rb';\s*+([^\s=;"]++)\s*+=\s*+(?:"(?>(?:[^"\\]++|\\.)*)"?|[^;]*+)', re.S)
_CHARSET = re.compile(rb"charset(?>(?:\*[0-9*]*+)?)", re.I)
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n\Z")


def check_fields(block: bytes, content_type: str, number: str, *, is_message: bool) -> None:
    """Raises CannotPlace when a reader could see another type in this header than the scan did.

    Two types, a broken one, or a part whose header has no end: its body would become header fields.
    """
    types = [field for field in fields(block) if field.name.lower() == _TYPE]
    is_ended = is_message or _BLANK_LINE.search(block) is not None
    if not is_ended or len(types) > 1 or any(_declared(block, field) != content_type for field in types):
        raise CannotPlace(SkipReason.BROKEN_STRUCTURE, number)


def _declared(block: bytes, field: Field) -> str:
    match = _DECLARED.match(blank_comments(block[field.value : field.end]))
    return f"{match[1].decode('ascii', 'replace')}/{match[2].decode('ascii', 'replace')}".lower() if match else ""


def changed_fields(block: bytes, content_type: str, charset: str, encoding: str, *, is_message: bool) -> bytes:
    """The header with this charset and this Content-Transfer-Encoding; "" leaves what there is.

    All other octets stay. With `is_message` a missing MIME-Version is added when a MIME field is (RFC 2045 §4), and a
    missing blank line in any case.
    """
    present = fields(block)
    names = {field.name.lower() for field in present}
    result: list[bytes] = []
    at = 0
    is_encoding_written = False
    for field in present:
        name = field.name.lower()
        lines = block[field.start : field.end]
        if name == _TYPE and charset:
            lines = _with_charset(block, field, charset.encode("ascii"))
        elif name == _ENCODING and encoding:
            lines = b"" if is_encoding_written else field.name + b": " + encoding.encode("ascii") + b"\r\n"
            is_encoding_written = True
        elif name == _DIGEST:
            lines = b""
        result += (block[at : field.start], lines)
        at = field.end
    kept = b"".join(result)
    return _complete(kept, _missing(names, content_type, charset, encoding, is_message), block[at:])


def _missing(names: set[bytes], content_type: str, charset: str, encoding: str, is_message: bool) -> bytes:
    """The lines of the fields that the header needs and does not have."""
    added = ""
    if charset and _TYPE not in names:
        added += f"Content-Type: {content_type}; charset={charset}\r\n"
    if encoding and _ENCODING not in names:
        added += f"Content-Transfer-Encoding: {encoding}\r\n"
    if (charset or encoding) and is_message and b"mime-version" not in names:
        added += "MIME-Version: 1.0\r\n"
    return added.encode("ascii")


def _complete(kept: bytes, added: bytes, rest: bytes) -> bytes:
    """The header with the added lines behind its last field, and with a blank line at its end."""
    if added and kept and not kept.endswith(b"\n"):
        kept += b"\r\n"
    block = kept + added + rest
    if _BLANK_LINE.search(block):
        return block
    return block + (b"\r\n" if not block or block.endswith(b"\n") else b"\r\n\r\n")


def _with_charset(block: bytes, field: Field, charset: bytes) -> bytes:
    """The Content-Type field with one charset parameter, in the place of the first (RFC 2231 §4 has other names)."""
    value = block[field.value : field.end]
    plain = blank_comments(value)
    pieces = [block[field.start : field.value]]
    at = 0
    is_written = False
    for match in _PARAMETER.finditer(plain):
        if not _CHARSET.fullmatch(match[1]):
            continue
        stop = match.start() + len(match[0].rstrip())
        pieces += (value[at : match.start()], b"" if is_written else b"; charset=" + charset)
        at, is_written = stop, True
    rest = value[at:]
    if not is_written:
        text = rest.rstrip()
        pieces += (text.rstrip(b";"), b"; charset=" + charset)
        rest = rest[len(text) :]
    return b"".join((*pieces, rest))

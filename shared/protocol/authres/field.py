"""Writes an Authentication-Results field (RFC 8601 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

FIELD_NAME = "Authentication-Results"
_LINE = 78
_MAX_VALUE = 512

# value = token / quoted-string (RFC 2045 §5.1); UTF-8 counts as letters (RFC 6532 §3.2)
_WORD = r"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+"
_DOT_ATOM = r"[^\x00-\x20()<>@,;:\\\"\[\].\x7f]+(?:\.[^\x00-\x20()<>@,;:\\\"\[\].\x7f]+)*"
# pvalue = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]
_PLAIN = re.compile(rf"(?:{_WORD}|(?:{_DOT_ATOM})?@{_DOT_ATOM})\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


class MethodResult(msgspec.Struct, frozen=True):
    """The result of one method: `method=result reason="…" ptype.property=value …`."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    """`ptype.property` and value of each property, in order; empty values are left out."""


def build_field(authserv_id: str, results: Iterable[MethodResult]) -> bytes:
    """The whole field with its CRLF, folded.

    Values may come from strangers, so they are quoted and cannot end a line.
    """
    chunks = [_chunk(result) for result in results] or [["none"]]
    lines = [f"{FIELD_NAME}: {_value(authserv_id)};"]
    for number, chunk in enumerate(chunks, 1):
        _fold(lines, chunk, ";" if number < len(chunks) else "")
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


def _chunk(result: MethodResult) -> list[str]:
    words = [f"{result.method}={result.result}"]
    if result.reason:
        words.append(f"reason={_quoted(_printable(result.reason))}")
    words += [f"{name}={_value(value)}" for name, value in result.properties if value]
    return words


def _fold(lines: list[str], words: list[str], end: str) -> None:
    """The words of one method on lines of their own, folded between properties."""
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) + len(end) > _LINE:
            lines.append(line)
            line = ""
        line += ("\t" if not line else " ") + word
    lines.append(line + end)


def _value(value: str) -> str:
    text = _printable(value)
    return text if _PLAIN.match(text) else _quoted(text)


def _printable(value: str) -> str:
    text = value[:_MAX_VALUE]
    return text if text.isprintable() else _CONTROL.sub("?", text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Strings of a script: encoded characters (RFC 5228 §2.4.2.4) and variables (RFC 5229 §3) in them.

Encoded characters are decoded when the script is compiled, variables are expanded when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from shared.protocol.sieve.diagnostic import Place
from shared.protocol.sieve.grammar.syntax import StringArgument
from shared.protocol.sieve.program import RunFailed

if TYPE_CHECKING:
    from shared.protocol.sieve.running import ScriptRun

NAMESPACES = {"global": "include", "env": "environment"}
"""The extension that each namespace of variables needs (RFC 6609 §3.4.2)."""

# encoded-arb-octets = "${hex:" hex-pair-seq "}"; encoded-unicode-char = "${unicode:" unicode-hex-seq "}"
_BLANKS = rb"[ \t\r\n]*+"
_ENCODED = re.compile(
    rb"\$\{(?:hex:" + _BLANKS + rb"(?P<hex>[0-9a-f]{1,2}(?>(?:[ \t\r\n]++[0-9a-f]{1,2})*))" + _BLANKS + rb"\}"
    rb"|unicode:" + _BLANKS + rb"(?P<unicode>[0-9a-f]++(?>(?:[ \t\r\n]++[0-9a-f]++)*))" + _BLANKS + rb"\})",
    re.IGNORECASE,
)
# variable-ref = "${" [namespace] variable-name "}"
_VARIABLE = re.compile(rb"\$\{(?:((?:[A-Za-z_][A-Za-z0-9_]*\.)+)?([A-Za-z_][A-Za-z0-9_]*)|([0-9]{1,9}))\}")


class ReportsErrors(Protocol):
    """Where errors of a script go."""

    def error(self, place: Place, text: str) -> None:
        """Report an error."""


class ScriptText:
    """A string of the script. `constant` is its value when it contains no variable, else None."""

    __slots__ = ("_pieces", "constant", "place", "source")

    def __init__(self, place: Place, source: bytes, pieces: tuple[bytes | str | int, ...]) -> None:
        self.place, self.source, self._pieces = place, source, pieces
        self.constant = source if not pieces else None

    def value(self, run: ScriptRun) -> bytes:
        """The value at this moment of the run."""
        if self.constant is not None:
            return self.constant
        parts: list[bytes] = []
        for piece in self._pieces:
            if isinstance(piece, bytes):
                parts.append(piece)
            elif isinstance(piece, str):
                parts.append(run.variable(piece))
            else:
                parts.append(run.captures[piece] if piece < len(run.captures) else b"")
        size = sum(map(len, parts))
        run.spend(size)  # before it takes memory: a string may name a variable very often
        if size > run.limits.expanded_octets:
            raise RunFailed(f"a string with its variables has more than {run.limits.expanded_octets} octets")
        return b"".join(parts)


def compile_text(argument: StringArgument, required: Collection[str], reports: ReportsErrors) -> ScriptText:
    """The string of a script as a ScriptText. Errors go to `reports`."""
    value = argument.value
    if b"${" not in value:
        return ScriptText(argument.place, value, ())
    if "encoded-character" in required:
        value = _decode_characters(argument, reports)
    if "variables" not in required:
        return ScriptText(argument.place, value, ())
    return ScriptText(argument.place, value, _pieces(value, argument.place, required, reports))


def _decode_characters(argument: StringArgument, reports: ReportsErrors) -> bytes:
    def decode(match: re.Match[bytes]) -> bytes:
        if match["hex"] is not None:
            return bytes(int(pair, 16) for pair in match["hex"].split())
        codes = [int(digits, 16) if len(digits.lstrip(b"0")) < 7 else 1 << 31 for digits in match["unicode"].split()]
        if any(code > 0x10FFFF or 0xD800 <= code <= 0xDFFF for code in codes):
            reports.error(argument.place, f"{match[0][:40].decode()} is no Unicode character")
            return b""
        return "".join(map(chr, codes)).encode("utf-8")

    value = _ENCODED.sub(decode, argument.value)
    if b"\x00" in value:
        reports.error(argument.place, "a string cannot contain an encoded NUL")
    return value


def _pieces(
    value: bytes, place: Place, required: Collection[str], reports: ReportsErrors
) -> tuple[bytes | str | int, ...]:
    """Constant octets, the names of variables, and the numbers of match variables, in order; () without variables."""
    pieces: list[bytes | str | int] = []
    at = 0
    for match in _VARIABLE.finditer(value):
        namespace, name, number = match.groups()
        if at < match.start():
            pieces.append(value[at : match.start()])
        at = match.end()
        if number is not None:
            pieces.append(int(number))
            continue
        if namespace is not None and not _is_known(namespace, place, required, reports):
            continue
        pieces.append(((namespace or b"") + name).decode().lower())
    if not at:
        return ()
    if at < len(value):
        pieces.append(value[at:])
    return tuple(pieces)


def _is_known(namespace: bytes, place: Place, required: Collection[str], reports: ReportsErrors) -> bool:
    """RFC 5229 §3: a namespace whose extension is not required is an error."""
    prefix = namespace.partition(b".")[0].decode().lower()
    extension = NAMESPACES.get(prefix)
    if extension is None:
        reports.error(place, f'there is no namespace of variables "{prefix}"')
    elif extension not in required:
        reports.error(place, f'the variables of "{prefix}" need require "{extension}"')
    return extension in required if extension else False

"""Which octets may be stored as a script: text that compiles, also where the compiler does not look."""

from __future__ import annotations

from typing import NamedTuple

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript, Place, ScriptNote
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.program import CompiledScript


class StorableText(NamedTuple):
    """A script that may be stored."""

    text: str
    program: CompiledScript


def storable(source: bytes, extensions: frozenset[str], limits: ScriptLimits) -> StorableText:
    """The script as text, and its program. Raises InvalidScript."""
    return StorableText(_text_of(source), compile_script(source, extensions, limits))


def _text_of(source: bytes) -> str:
    """The script as text with its comments, which the compiler skips (RFC 5228 §2.1). Raises InvalidScript."""
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        before = source[: error.start].decode()
        raise InvalidScript((ScriptNote(_place_after(before), "a script is UTF-8, and this is not"),)) from error
    before, nul, _ = text.partition("\0")
    if nul:
        raise InvalidScript((ScriptNote(_place_after(before), "a script cannot contain a NUL"),))
    return text


def _place_after(text: str) -> Place:
    lines = text.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)

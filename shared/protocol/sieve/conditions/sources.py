"""Where tests take header values from: which headers, which fields, and which of several fields with a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.protocol.sieve.mail.header import SieveHeader
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.text import ScriptText

_T = TypeVar("_T")
_NAME_WORK = 32
_PART_WORK = 16
_PARSE_WORK = 8
"""The work to parse an octet of a header and to decode its words, in octets compared."""
_FIELD_NAME = re.compile(rb"[!-9;-~]+")

NameSource = Callable[[ScriptRun], Sequence[bytes]]
HeaderSource = Callable[[ScriptRun], Sequence[SieveHeader]]


def is_field_name(name: bytes) -> bool:
    """Whether it is a field-name of RFC 5322 §3.6.8."""
    return _FIELD_NAME.fullmatch(name) is not None


def field_names(scope: Scope, names: tuple[ScriptText, ...]) -> NameSource:
    """The lower-case names at run time.

    A name that no field can have is legal and matches nothing (RFC 5228 §2.4.2.2).
    """
    for name in names:
        if name.constant is not None and not is_field_name(name.constant):
            scope.notes.warn(name.place, "no header field can have this name")
    constants = [name.constant.lower() for name in names if name.constant is not None]
    if len(constants) == len(names):
        return lambda run: _counted(run, constants)
    return lambda run: _counted(run, [name.value(run).lower() for name in names])


def _counted(run: ScriptRun, names: Sequence[bytes]) -> Sequence[bytes]:
    """The names; looking for each of them is work, also when there is no such field."""
    run.spend(_NAME_WORK * len(names))
    return names


def single_name(names: tuple[ScriptText, ...]) -> bytes | None:
    """The only name in lower case, if there is one and it contains no variable."""
    return names[0].constant.lower() if len(names) == 1 and names[0].constant is not None else None


def header_source(arguments: Arguments) -> HeaderSource:
    """The headers that a test examines (RFC 5703 §4): the message's, the present part's, or those of all parts."""
    if not arguments.has("mime") and not arguments.has("anychild"):
        return lambda run: (run.message.header,)
    if not arguments.has("anychild"):
        return lambda run: (_part_header(run, run.parts[-1] if run.parts else 0),)
    return _headers_of_children


def _headers_of_children(run: ScriptRun) -> Sequence[SieveHeader]:
    start = run.parts[-1] if run.parts else 0
    blocks = [_part_header(run, index) for index in subtree(run, start)]
    run.spend(100 * len(blocks))
    return blocks


def _part_header(run: ScriptRun, index: int) -> SieveHeader:
    """The header of a part; that of the message is bounded, but a message may have very many large parts."""
    run.spend(_PARSE_WORK * run.message.unread_octets(index))
    return run.message.part_header(index)


def subtree(run: ScriptRun, start: int) -> range:
    """The indexes of a part and of all parts within it; they follow each other in the scan."""
    parts = run.message.scan.parts
    end = start + 1
    while end < len(parts) and parts[end].parent >= start:
        end += 1
    run.spend(_PART_WORK * (end - start))
    return range(start, end)


def picked(scope: Scope, arguments: Arguments) -> Callable[[Sequence[_T]], Sequence[_T]] | None:
    """`:index` and `:last` (RFC 5260 §6): the field among those with a name; None when all count."""
    number = arguments.tag_number("index")
    if number is None:
        if arguments.has("last"):
            scope.error(arguments.place, f"{arguments.name}: :last needs :index")
        return None
    if number == 0:
        scope.error(arguments.place, f"{arguments.name}: :index counts from 1")
        return None
    if arguments.has("last"):
        return lambda values: values[len(values) - number : len(values) - number + 1] if number <= len(values) else ()
    return lambda values: values[number - 1 : number]

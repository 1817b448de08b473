"""Reads and writes the lines of an import and an export, one JSON object each, and makes units of work of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from services.directory.domain.dkim import NewDomain
from services.directory.domain.line_kinds import KINDS, AliasLine, AnyLine, ListLine, MembersLine, ValueLine
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from shared.routing.wildcards import WILDCARD

LINE_LIMIT = 300_000
"""Octets of a line: an alias with a thousand long targets fits."""
UNIT_LINES, UNIT_OCTETS = 100, 32 * 1024
"""Lines and octets of a unit of work, which other commands wait for."""


_decoder = msgspec.json.Decoder(AnyLine, strict=False)
_texts = msgspec.json.Decoder(tuple[str, ...])
_encoder = msgspec.json.Encoder()


class LineMistake(NamedTuple):
    """Why a line was refused."""

    number: int
    reason: str
    text: str


class PreparedLine(NamedTuple):
    """A line with everything that takes long to make."""

    number: int
    line: AnyLine
    octets: int
    password_hash: str = ""
    new_domain: NewDomain | None = None


def parsed(octets: bytes) -> AnyLine:
    """A line from its JSON. Raises DirectoryRefused, whose text shows no value of the line."""
    if len(octets) > LINE_LIMIT:
        raise DirectoryRefused("invalid", f"a line has at most {LINE_LIMIT} octets")
    try:
        return _decoder.decode(octets)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text = str(error) if "Invalid value" not in str(error) else f"kind is one of {', '.join(kind_names())}"
        raise DirectoryRefused("invalid", text) from None


def written(line: AnyLine) -> bytes:
    """A line as JSON."""
    return _encoder.encode(line)


def kind_names() -> list[str]:
    """The kinds of lines."""
    return [str(kind.__struct_config__.tag) for kind in KINDS]


def words_of(texts: tuple[str, ...] | str, separator: str | None = None) -> tuple[str, ...]:
    """A list that may be one text: with the separator, or as a JSON array. Raises DirectoryRefused."""
    if not isinstance(texts, str):
        return texts
    if texts.startswith("["):
        try:
            return _texts.decode(texts)
        except msgspec.MsgspecError:
            raise DirectoryRefused("invalid", "a text that begins with [ is a JSON array of texts") from None
    return tuple(filter(None, map(str.strip, texts.split(separator))))


def microseconds(text: str) -> int:
    """The time of a text in UTC microseconds; 0 for an empty text. Raises DirectoryRefused."""
    if not text:
        return 0
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise DirectoryRefused("invalid", f"{text[:40]!r} is no time such as 2026-12-24T18:00") from None


def as_time(at: int) -> str:
    """UTC microseconds as the text of a line; empty for 0."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat() if at else ""


def units(lines: Sequence[PreparedLine]) -> Iterator[list[PreparedLine]]:
    """The units of work of some lines, in their order.

    The address book knows what earlier units of work have added. A line that asks it about such a thing begins a unit.
    """
    unit: list[PreparedLine] = []
    octets, aliases = 0, set[str]()
    for prepared in lines:
        is_full = len(unit) >= UNIT_LINES or octets + prepared.octets > UNIT_OCTETS
        if unit and (is_full or _asks_for(prepared.line, aliases)):
            yield unit
            unit, octets, aliases = [], 0, set()
        unit.append(prepared)
        octets += prepared.octets
        if isinstance(prepared.line, AliasLine):
            aliases.add(WILDCARD if WILDCARD in prepared.line.address else key_of(prepared.line.address))
    if unit:
        yield unit


def _asks_for(line: AnyLine, aliases: set[str]) -> bool:
    """Whether the decision on a line depends on aliases of its own unit of work, or on the whole address book."""
    if isinstance(line, ValueLine | ListLine | MembersLine):
        return True
    if not isinstance(line, AliasLine) or not aliases:
        return False
    return WILDCARD in aliases or any(key_of(target) in aliases for target in words_of(line.targets))

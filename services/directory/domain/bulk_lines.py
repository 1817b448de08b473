"""The lines of an import and an export: one JSON object for each domain, user, account, alias and value of a domain.

A new kind of object gets a class here, and a function in `handlers/bulk_kinds.py` and `handlers/exports.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, Union

import msgspec
from msgspec import Meta

from services.directory.domain.dkim import NewDomain
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from shared.routing.wildcards import WILDCARD

LINE_LIMIT = 300_000
"""Octets of a line: an alias with a thousand long targets fits."""
UNIT_LINES, UNIT_OCTETS = 100, 32 * 1024
"""Lines and octets of a unit of work, which other commands wait for."""


class BulkLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True):
    """A line. None, and an empty text, say nothing about an object that is there already."""

    def __repr__(self) -> str:
        """The kind of the line alone: it may hold a password."""
        return f"{type(self).__name__}(…)"


class DomainLine(BulkLine, frozen=True, tag="domain"):
    """A domain."""

    name: str
    incoming: bool | None = None
    disabled: bool | None = None
    alias_of: str = ""
    """The domain whose addresses are its own."""


class UserLine(BulkLine, frozen=True, tag="user"):
    """A user. Without a password nobody can log in until one is set."""

    name: str
    password: str = ""
    password_hash: str = ""
    disabled: bool | None = None


class AccountLine(BulkLine, frozen=True, tag="account"):
    """An account, and its user, if there is none of that name yet."""

    address: str
    user: str = ""
    """Empty: a user with the name of the address."""
    password: str = ""
    password_hash: str = ""
    quota_bytes: Annotated[int, Meta(ge=0)] | None = None
    disabled: bool | None = None

    @property
    def user_name(self) -> str:
        """The name of its user."""
        return self.user or self.address


class AliasLine(BulkLine, frozen=True, tag="alias"):
    """An alias."""

    address: str
    targets: tuple[str, ...] | str
    """A list, or addresses separated by blanks."""
    owners: tuple[str, ...] | str = ()
    """A list, or names separated by commas."""
    ends_at: str = ""
    """A time of ISO 8601, in UTC unless it names a zone. One in the past: the alias has ended."""
    disabled: bool | None = None


class ValueLine(BulkLine, frozen=True, tag="value"):
    """A value of a domain. It replaces the one before."""

    domain: str
    name: str
    value: str = ""


AnyLine = DomainLine | UserLine | AccountLine | AliasLine | ValueLine
_KINDS = (DomainLine, UserLine, AccountLine, AliasLine, ValueLine)
_decoder = msgspec.json.Decoder(Union[_KINDS], strict=False)  # noqa: UP007
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
    return [str(kind.__struct_config__.tag) for kind in _KINDS]


def words_of(texts: tuple[str, ...] | str, separator: str | None = None) -> tuple[str, ...]:
    """A list that may be one text."""
    return tuple(filter(None, map(str.strip, texts.split(separator)))) if isinstance(texts, str) else texts


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
    if isinstance(line, ValueLine):
        return True
    if not isinstance(line, AliasLine) or not aliases:
        return False
    return WILDCARD in aliases or any(key_of(target) in aliases for target in words_of(line.targets))

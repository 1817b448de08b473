"""Events: immutable, named in the past tense, with a stored name and schema version that outlive the class name.

An event is declared once, in `shared/events/<area>.py`, with `@stored("area.past_tense", schema=1)`. It is written as
JSON. Data of an older schema is converted by upcasts, one schema version at a time. Fields declared `secret` stay in
the owner's log; followers, copies and operators never see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """The base class of events, which are declared with `stored`."""

    stored_name: ClassVar[str] = ""
    schema: ClassVar[int] = 0

    def __repr__(self) -> str:
        """The event with its secrets masked, as logs and tracebacks may show it."""
        hidden = _secrets.get(self.stored_name, frozenset())
        values = ((name, HIDDEN if name in hidden else repr(getattr(self, name))) for name in self.__struct_fields__)
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in values)})"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who caused an event: a person or service, with its credential, session and address."""

    kind: str
    """`user`, `operator`, `service`, `remote` (an unauthenticated client) or `system`; in older events `account`."""
    id: str = ""
    credential: str = ""
    """Of a user the account that was opened, which may belong to a group."""
    session: str = ""
    address: str = ""


class Provenance(msgspec.Struct, frozen=True):
    """Why an event was written: its actor, the causing event, the correlation, and the command that it answers."""

    actor: Actor
    cause: str = ""
    correlation: str = ""
    command: str = ""

    def of_part(self, part: str) -> Provenance:
        """The provenance of a part of the command, which is recognised when it is repeated."""
        return msgspec.structs.replace(self, command=f"{self.command}/{part}") if self.command else self

    def of_unit(self, number: int) -> Provenance:
        """The provenance of a unit of work of the command; the first unit, 0, has the command's own."""
        return self.of_part(str(number)) if number else self


class Recorded(msgspec.Struct, frozen=True):
    """An event with its place in the log."""

    shard: int
    position: int
    """The position in the shard; the first is 1, and there are no gaps."""
    stream: str
    version: int
    """The version in the stream; the first is 1, and there are no gaps. In an account's stream it is the MODSEQ."""
    at: int
    """UTC microseconds since the epoch, never smaller than the time of the stream's last event."""
    provenance: Provenance
    event: Event


class UnknownEvent(LookupError):
    """This release does not know the stored name or schema version."""


E = TypeVar("E", bound=type[Event])
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

_types: dict[str, type[Event]] = {}
_upcasts: dict[tuple[str, int], Upcast] = {}
_decoders: dict[str, msgspec.json.Decoder[Any]] = {}
_secrets: dict[str, frozenset[str]] = {}
HIDDEN = "********"
"""Replaces a secret."""
_encoder = msgspec.json.Encoder()


def stored(name: str, schema: int = 1, *, secret: Iterable[str] = ()) -> Callable[[E], E]:
    """Declare an event type with its stored name and schema version.

    `secret` names text fields, of any schema version, that never leave the owner's log.
    """

    def declare(event_type: E) -> E:
        if name in _types:
            raise ValueError(f"event {name} is declared twice")
        event_type.stored_name = name
        event_type.schema = schema
        _types[name] = event_type
        _decoders[name] = msgspec.json.Decoder(event_type)
        if secret:
            _secrets[name] = frozenset(secret)
        return event_type

    return declare


def upcast(name: str, schema: int) -> Callable[[Upcast], Upcast]:
    """Declare how data of `name` in this schema version is converted to the next one."""

    def declare(lift: Upcast) -> Upcast:
        _upcasts[name, schema] = lift
        return lift

    return declare


def declared() -> dict[str, type[Event]]:
    """All declared event types by their stored names."""
    return dict(_types)


def types_with_secrets() -> frozenset[str]:
    """The stored names of event types with secret fields."""
    return frozenset(_secrets)


def secret_fields() -> frozenset[str]:
    """The names of the fields that any event type declares secret."""
    return frozenset().union(*_secrets.values())


def without_secrets(name: str, data: bytes) -> bytes:
    """An event's stored data for others than its owner.

    Data that cannot be decoded is withheld when it may contain a secret.
    """
    fields = _secrets.get(name)
    if fields is None:
        return data
    try:
        known = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return b"{}"
    return _encoder.encode({field: HIDDEN if field in fields else value for field, value in known.items()})


def encode(event: Event) -> bytes:
    """The data of an event as it is stored."""
    return _encoder.encode(event)


def decode(name: str, schema: int, data: bytes) -> Event:
    """The event from its stored data. Raises UnknownEvent, or msgspec.DecodeError when the data does not fit."""
    event_type = _types.get(name)
    if event_type is None or schema > event_type.schema:
        raise UnknownEvent(f"{name} schema {schema}")
    if schema == event_type.schema:
        return _decoders[name].decode(data)  # type: ignore[no-any-return]
    return msgspec.convert(_upcast(name, schema, event_type.schema, msgspec.json.decode(data)), event_type)


def _upcast(name: str, schema: int, schema_now: int, data: dict[str, Any]) -> dict[str, Any]:
    for version in range(schema, schema_now):
        lift = _upcasts.get((name, version))
        if lift is None:
            raise UnknownEvent(f"{name} has no upcast from schema {version}")
        data = lift(data)
    return data


@lru_cache(maxsize=4096)
def encode_actor(actor: Actor) -> str:
    """The actor in the form of the event table."""
    return _encoder.encode(actor).decode()


@lru_cache(maxsize=4096)
def decode_actor(text: str) -> Actor:
    """The actor from the event table."""
    return msgspec.json.decode(text, type=Actor)

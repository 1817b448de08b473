"""The pieces of an APPEND or REPLACE: a message is a literal, or is put together from literals and URLs (RFC 4469)."""

from datetime import datetime
from enum import Enum

import msgspec


class MessageStart(msgspec.Struct, frozen=True):
    """A message begins, with its options. `is_catenated`: it is put together from parts (RFC 4469)."""

    flags: tuple[str, ...] = ()
    internal_date: datetime | None = None
    is_catenated: bool = False


class UrlPart(msgspec.Struct, frozen=True):
    """Octets of a stored message, named by a URL (RFC 4469 §5)."""

    url: bytes


class LiteralPart(msgspec.Struct, frozen=True):
    """The literal that follows; its size and kind come from the framer. `is_url`: it is the text of a URL."""

    is_url: bool = False


class MessageEnd(msgspec.Struct, frozen=True):
    """The message is complete."""


AppendPiece = MessageStart | UrlPart | LiteralPart | MessageEnd


class AppendPlace(Enum):
    """What is open where a literal stands, so that the text behind it can be read."""

    MESSAGES = "between messages"
    WHOLE = "the literal is the message"
    WHOLE_UTF8 = "the literal is the message, inside UTF8 ( )"
    PARTS = "inside CATENATE ( )"
    PARTS_UTF8 = "inside UTF8 ( ) inside CATENATE ( )"


class AppendText(msgspec.Struct, frozen=True):
    """The text before or after a literal."""

    pieces: tuple[AppendPiece, ...]
    place: AppendPlace

"""Events of annotations (RFC 5464), in the stream of the account, or in that of the server (`scripts.SERVER`)."""

from __future__ import annotations

import msgspec

from shared.eventstore.event import Event, stored


class AnnotationValue(msgspec.Struct, frozen=True):
    """The new value of an entry in octets; None: the entry is removed."""

    entry: str
    value: bytes | None


@stored("annotation.changed")
class AnnotationsChanged(Event, frozen=True):
    """Annotations of a mailbox or of the server were set or removed."""

    owner: str
    """The account, or `server`: entries below /shared of the server."""
    mailbox: str
    """The id of the mailbox; empty: annotations of the server."""
    values: tuple[AnnotationValue, ...]

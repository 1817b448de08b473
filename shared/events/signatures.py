"""Events about mail signatures: their versions, the users' fields that they name, and what became of them in a mail.

A version has the stream `signature:<id>`, a field that of its user, and the last two that of the entry in the queue.
"""

from __future__ import annotations

import msgspec

from shared.eventstore.event import Event, stored


class ChosenSignature(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mail signature that was chosen for a mail when it was submitted, so that a repeat places the same one."""

    id: str
    """The id of its version."""
    values: dict[str, str] = {}
    """The values of its placeholders."""
    signs_automatic: bool = False
    """Whether mail that programs write gets it too."""


class SignedText(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text of a mail in which the mail signature was placed."""

    part: str
    """Its BODY number."""
    subtype: str
    position: str
    """`end` or `above-quotation`."""
    encoding: str = ""
    """Its Content-Transfer-Encoding afterwards."""
    charset: str = ""


@stored("signature.written")
class SignatureWritten(Event, frozen=True):
    """A mail signature was written. Its id is made from its texts, so each version is written once."""

    id: str
    text: str
    html: str


@stored("user.field_changed")
class UserFieldChanged(Event, frozen=True):
    """A field of a user was changed, such as `phone`; an empty value means that the user has no such field."""

    id: str
    name: str
    value: str
    previous: str


@stored("outbound.signature_placed")
class OutboundSignaturePlaced(Event, frozen=True):
    """A mail that was sent to another server got the mail signature of its domain, before it was signed with DKIM."""

    entry: str
    queue_id: str
    signature: str
    texts: tuple[SignedText, ...]


@stored("outbound.signature_skipped")
class OutboundSignatureSkipped(Event, frozen=True):
    """A mail was sent without the mail signature of its domain, as it was stored."""

    entry: str
    queue_id: str
    signature: str
    reason: str
    """A value of `SkipReason`, or `missing` when its version is not known."""
    part: str = ""
    """The BODY number of the part that is the reason."""

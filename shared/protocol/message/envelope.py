"""ENVELOPE (RFC 3501 §7.4.2): the header fields it is made of, and its form on the wire."""

import re
from typing import NamedTuple

from shared.protocol.message.addresses import AddressLimits, EnvelopeAddress, parse_addresses
from shared.protocol.message.content import Fields
from shared.protocol.message.headers import unfold
from shared.protocol.message.wire import NIL, nstring
from shared.protocol.message.words import without_controls
from shared.protocol.structured import blank_comments

ENVELOPE_FIELDS = frozenset(
    (
        b"date",
        b"subject",
        b"from",
        b"sender",
        b"reply-to",
        b"to",
        b"cc",
        b"bcc",
        b"in-reply-to",
        b"message-id",
        b"references",
    )
)

_MESSAGE_ID = re.compile(rb"<([^<>]++)>")
_MAX_REFERENCES = 200


class Envelope(NamedTuple):
    """Raw unfolded values; None for an absent field.

    `sender` and `reply_to` are as written, without their defaults.
    """

    date: bytes | None
    subject: bytes | None
    from_: list[EnvelopeAddress]
    sender: list[EnvelopeAddress]
    reply_to: list[EnvelopeAddress]
    to: list[EnvelopeAddress]
    cc: list[EnvelopeAddress]
    bcc: list[EnvelopeAddress]
    in_reply_to: bytes | None
    message_id: bytes | None


def read_envelope(fields: Fields, limits: AddressLimits | None = None) -> Envelope:
    """The envelope of a message header.

    Of several equal fields the first is used; several address fields are joined.
    """
    limits = limits or AddressLimits()
    return Envelope(
        date=_first_value(fields, b"date"),
        subject=_first_value(fields, b"subject"),
        from_=_addresses(fields, b"from", limits),
        sender=_addresses(fields, b"sender", limits),
        reply_to=_addresses(fields, b"reply-to", limits),
        to=_addresses(fields, b"to", limits),
        cc=_addresses(fields, b"cc", limits),
        bcc=_addresses(fields, b"bcc", limits),
        in_reply_to=_first_value(fields, b"in-reply-to"),
        message_id=_first_value(fields, b"message-id"),
    )


def _first_value(fields: Fields, name: bytes) -> bytes | None:
    values = fields.get(name)
    return unfold(values[0]) if values else None


def _addresses(fields: Fields, name: bytes, limits: AddressLimits) -> list[EnvelopeAddress]:
    values = fields.get(name)
    return parse_addresses(b", ".join(map(unfold, values)), limits) if values else []


def wire_envelope(envelope: Envelope) -> bytes:
    """`"(" env-date SP env-subject SP … env-message-id ")"`."""
    from_ = _address_list(envelope.from_)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(envelope.date),
        nstring(envelope.subject),
        from_,
        # RFC 3501 §7.4.2: an absent or empty Sender or Reply-To is the same as From.
        _address_list(envelope.sender) if envelope.sender else from_,
        _address_list(envelope.reply_to) if envelope.reply_to else from_,
        _address_list(envelope.to),
        _address_list(envelope.cc),
        _address_list(envelope.bcc),
        nstring(envelope.in_reply_to),
        nstring(envelope.message_id),
    )


def _address_list(addresses: list[EnvelopeAddress]) -> bytes:
    return b"(%b)" % b"".join(map(_address, addresses)) if addresses else NIL


def _address(address: EnvelopeAddress) -> bytes:
    name, route, mailbox, host = address
    return b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))


NO_ENVELOPE = wire_envelope(read_envelope({}))


def message_ids(value: bytes | None) -> tuple[str, ...]:
    """The msg-ids in a field (RFC 5322 §3.6.4) without angle brackets; of very many, the first and the last."""
    ids = _MESSAGE_ID.findall(blank_comments(value)) if value else []
    if len(ids) > _MAX_REFERENCES:
        ids = [ids[0], *ids[1 - _MAX_REFERENCES :]]
    return tuple([without_controls(b"".join(message_id.split()).decode("utf-8", "replace")) for message_id in ids])

"""The part of a message that the classifier reads; the only module of the classifier that uses the structure scan.

It leaves out everything that depends on the route of the message (Received, Return-Path, Authentication-Results,
X-Spam-*, List-*, Date, serial numbers of Message-ID): these name the receiving host, the time or the list, and a model
that learns them learns its corpus instead of spam.
"""

from collections.abc import Iterator
from typing import NamedTuple

from shared.protocol.message.headers import raw_fields, unfold
from shared.protocol.message.scan import DisplayAddress, Part, Scan
from shared.protocol.message.text import text_parts
from shared.protocol.message.words import decode_words

# Decoded bytes of text that are read. Spam makes its offer early; reading more costs time and gains nothing.
TEXT_LIMIT = 48 * 1024
MAX_PARTS = 24
MAX_FIELDS = 200
MAX_HEADER = 32 * 1024
MAX_VALUE = 400


class TextPart(NamedTuple):
    """The text of a part as it was written: for HTML, its source."""

    subtype: str
    text: str


class MessageView(NamedTuple):
    """The parts of a message that are read.

    `names` are the names of all header fields in lower case; `fields` are the values of the fields that the classifier
    reads.
    """

    subject: str
    from_: tuple[DisplayAddress, ...]
    reply_to: tuple[DisplayAddress, ...]
    recipients: int
    message_id: str
    has_date: bool
    names: frozenset[str]
    fields: dict[str, str]
    parts: tuple[Part, ...]
    texts: tuple[TextPart, ...]


READ_FIELDS = frozenset(("x-mailer", "user-agent", "x-priority", "organization", "content-type"))


def view(body: bytes, scan: Scan) -> MessageView:
    """The view of a message. Its cost is bounded for any message."""
    names, fields = _header(body[: min(scan.header_end, MAX_HEADER)])
    return MessageView(
        subject=scan.subject[:MAX_VALUE],
        from_=scan.from_[:3],
        reply_to=scan.reply_to[:3],
        recipients=len(scan.to) + len(scan.cc),
        message_id=scan.message_id[:MAX_VALUE],
        has_date=scan.date is not None,
        names=names,
        fields=fields,
        parts=scan.parts[:MAX_PARTS],
        texts=tuple(_texts(body, scan)),
    )


def _header(block: bytes) -> tuple[frozenset[str], dict[str, str]]:
    names: set[str] = set()
    fields: dict[str, str] = {}
    for raw_name, value in raw_fields(block)[:MAX_FIELDS]:
        name = raw_name[:60].decode("latin-1").lower()
        names.add(name)
        if name in READ_FIELDS and name not in fields:
            fields[name] = decode_words(unfold(value[:MAX_VALUE]))
    return frozenset(names), fields


def _texts(body: bytes, scan: Scan) -> Iterator[TextPart]:
    for part, text in text_parts(body, scan, TEXT_LIMIT):
        yield TextPart(part.subtype, text.replace("\0", " "))  # words are stored in events and shown to people

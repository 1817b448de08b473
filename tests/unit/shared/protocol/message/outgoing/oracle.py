"""The standard library's view of a message, to compare its content before and after a conversion."""

from __future__ import annotations

import email
import re
from email.message import Message
from typing import Any

from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms, Unsendable
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan

OFFERS_ALL = PeerForms(eight_bit=True, smtputf8=True)
OFFERS_NOTHING = PeerForms()


def outgoing(message: bytes) -> OutgoingMessage:
    scanned = scan(message)
    return OutgoingMessage(message[: scanned.header_end], scanned, ranges_of(message))


def form(message: bytes, peer: PeerForms = OFFERS_NOTHING) -> FinalMessage:
    final = outgoing(message).form(peer)
    assert isinstance(final, FinalMessage), final
    return final


def refusal(message: bytes, peer: PeerForms = OFFERS_NOTHING) -> Unsendable:
    final = outgoing(message).form(peer)
    assert isinstance(final, Unsendable), final
    return final


def octets_of(final: FinalMessage) -> bytes:
    octets = final.header + b"".join(final.body())
    assert len(octets) == final.size
    return octets


def is_carried_by_plain_smtp(octets: bytes) -> bool:
    """Whether RFC 5321 without extensions allows these octets."""
    lines = octets.split(b"\r\n")
    return (
        octets.isascii()
        and b"\0" not in octets
        and all(len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in lines)
        and lines[-1] == b""
    )


def content(message: bytes) -> list[tuple[Any, ...]]:
    """The type, name, disposition and decoded content of every part, parents before children."""
    return [_part(part) for part in email.message_from_bytes(message).walk()]


def _part(part: Message) -> tuple[Any, ...]:
    described = (part.get_content_type(), part.get_filename(), part.get_content_disposition(), part["Subject"])
    if part.is_multipart():
        return (*described, None)
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    if part.get_content_maintype() == "text":
        octets = re.sub(rb"\r\n|\r|\n", b"\n", octets)
    return (*described, octets)

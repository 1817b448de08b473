"""A placed mail signature is in the final form for a peer, and so under DKIM, without another scan."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.outcome import PlacedSignature
from shared.protocol.message.mail_signature.placing import place
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from shared.protocol.smtp.commands import BodyType
from tests.unit.shared.protocol.message.mail_signature.reading import VALUES, octets_of, parsed, read_part, texts

PREFIX = b"Received: by mail.example.org\r\n"
SIGNATURE = MailSignature("Grüße ☃", "<p>Grüße ☃</p>")
SINGLE = "From: a@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHällo\r\n".encode()
ALTERNATIVE = (
    "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nHello\r\n"
    "--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<body>Hällo</body>\r\n"
    "--b--\r\n"
).encode()


def result_for(message: bytes) -> PlacedSignature:
    """The result for a stored message that leaves with more header fields than it was stored with."""
    scanned = scan(message)
    result = place(PREFIX + message[: scanned.header_end], scanned, ranges_of(message), SIGNATURE, VALUES)
    assert isinstance(result, PlacedSignature)
    return result


def form_of(result: PlacedSignature, peer: PeerForms) -> FinalMessage:
    final = OutgoingMessage(result.header, result.scan, result.read).form(peer)
    assert isinstance(final, FinalMessage)
    return final


@pytest.mark.parametrize("message", [SINGLE, ALTERNATIVE])
def test_the_final_form_has_the_signature(message: bytes) -> None:
    result = result_for(message)
    final = form_of(result, PeerForms(eight_bit=True))
    octets = final.header + b"".join(final.body())
    assert octets.startswith(PREFIX)
    assert octets == octets_of(result)
    assert final.size == len(octets)
    assert final.body_type is BodyType.EIGHT_BIT_MIME


@pytest.mark.parametrize("message", [SINGLE, ALTERNATIVE])
def test_a_peer_without_8bitmime_gets_the_same_text(message: bytes) -> None:
    result = result_for(message)
    final = form_of(result, PeerForms())
    octets = final.header + b"".join(final.body())
    assert octets.isascii()
    assert final.size == len(octets)
    assert texts(octets) == texts(octets_of(result))
    assert [read_part(part)[0] for part in parsed(octets)] == [read_part(part)[0] for part in parsed(message)]


def test_the_body_can_be_made_as_often_as_needed() -> None:
    """Once to be hashed for DKIM, and once for each connection."""
    final = form_of(result_for(ALTERNATIVE), PeerForms(eight_bit=True))
    assert b"".join(final.body()) == b"".join(final.body())

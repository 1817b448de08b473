"""Which form a message leaves in, for each kind of peer; nothing that others signed is changed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from shared.protocol.address.address import parse_address
from shared.protocol.dkim.sign import hash_body, signatures
from shared.protocol.message.outgoing.message import (
    Needs,
    OutgoingMessage,
    PeerForms,
    Unsendable,
)
from shared.protocol.message.outgoing.protected import foreign_signature, protected_parts
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from shared.protocol.smtp.commands import BodyType
from tests.unit.shared.protocol.dkim.messages import NOW, ed25519_key, oracle_verify, rsa_key, zone
from tests.unit.shared.protocol.message.outgoing.oracle import (
    OFFERS_ALL,
    OFFERS_NOTHING,
    content,
    form,
    is_carried_by_plain_smtp,
    octets_of,
    outgoing,
    refusal,
)

HEAD = b"From: ann@example.org\r\nTo: bob@example.net\r\nSubject: x\r\n"
MIME = HEAD + b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
PLAIN = HEAD + b"\r\nHello,\r\n.\r\nann\r\n"
UMLAUT = MIME + "\r\nGrüße\r\n".encode()
LONG = MIME + b"\r\n" + b"word " * 400 + b"\r\n"
BINARY = HEAD + b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\0c\r"
SIGNATURE = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=x; b=y\r\n"
SMIME = (
    HEAD + b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("message", "needs"),
    [
        (PLAIN, Needs()),
        (UMLAUT, Needs(eight_bit=True)),
        (LONG, Needs(long_lines=True)),
        (BINARY, Needs(binary=True)),
        (b"Subject: \xc3\xbc\r\n" + PLAIN, Needs(eight_bit=True, smtputf8=True)),
        (b"X-Y: " + b"z" * 1200 + b"\r\n" + PLAIN, Needs(long_fields=("X-Y",))),
        (b"X-Y: " + b"z z" * 600 + b"\r\n" + PLAIN, Needs()),
        (b"Bcc: \xc3\xbc@example.org\r\n" + PLAIN, Needs()),
    ],
)
def test_needs(message: bytes, needs: Needs) -> None:
    assert outgoing(message).needs == needs


@pytest.mark.parametrize("peer", [OFFERS_NOTHING, OFFERS_ALL, PeerForms(True, True, True, True)])
def test_what_needs_nothing_leaves_unchanged(peer: PeerForms) -> None:
    final = form(PLAIN, peer)
    assert octets_of(final) == PLAIN
    assert (final.body_type, final.smtputf8, final.is_converted) == (BodyType.SEVEN_BIT, False, False)


def test_eight_bits_leave_unchanged_to_a_peer_with_8bitmime() -> None:
    final = form(UMLAUT, PeerForms(eight_bit=True))
    assert octets_of(final) == UMLAUT
    assert (final.body_type, final.smtputf8) == (BodyType.EIGHT_BIT_MIME, False)
    assert (final.eight_bit, final.binary) == (True, False)


def test_eight_bits_become_quoted_printable_for_others() -> None:
    final = form(UMLAUT)
    octets = octets_of(final)
    assert octets == UMLAUT.replace(b": 8bit", b": quoted-printable").replace("Grüße".encode(), b"Gr=C3=BC=C3=9Fe")
    assert (final.body_type, final.is_converted) == (BodyType.SEVEN_BIT, True)


@pytest.mark.parametrize("peer", [OFFERS_NOTHING, OFFERS_ALL])
def test_long_lines_are_encoded_and_never_cut(peer: PeerForms) -> None:
    octets = octets_of(form(LONG, peer))
    assert is_carried_by_plain_smtp(octets)
    assert content(octets) == content(LONG)


def test_binary_leaves_unchanged_where_binarymime_is_offered() -> None:
    final = form(BINARY, PeerForms(eight_bit=True, binary=True))
    assert (octets_of(final), final.body_type) == (BINARY, BodyType.BINARY_MIME)
    assert (final.eight_bit, final.binary) == (False, True)


@pytest.mark.parametrize("peer", [OFFERS_NOTHING, OFFERS_ALL])
def test_binary_becomes_base64_for_others(peer: PeerForms) -> None:
    octets = octets_of(form(BINARY, peer))
    assert is_carried_by_plain_smtp(octets)
    assert content(octets) == content(BINARY)


def test_a_header_with_octets_over_127_needs_smtputf8() -> None:
    message = "Subject: Grüße\r\n".encode() + PLAIN
    final = form(message, OFFERS_ALL)
    assert (octets_of(final), final.smtputf8) == (message, True)
    assert refusal(message, PeerForms(eight_bit=True)).status == "5.6.7"


def test_only_a_localpart_makes_an_envelope_need_smtputf8() -> None:
    ascii_localparts = ("ann@example.org", "bob@bücher.example", "carl@xn--bcher-kva.example")
    assert all(parse_address(address).is_ascii for address in ascii_localparts)
    assert not parse_address("jörg@example.org").is_ascii


def test_a_field_that_cannot_be_folded_is_named() -> None:
    message = b"X-Data:" + b"z" * 1200 + b"\r\n" + PLAIN
    assert refusal(message, OFFERS_ALL).status == "5.6.3"
    assert "X-Data" in refusal(message, OFFERS_ALL).reason
    assert octets_of(form(message, PeerForms(long_lines=True))) == message


def test_blind_recipients_do_not_leave() -> None:
    assert octets_of(form(b"Bcc: eve@example.org\r\n" + UMLAUT, OFFERS_ALL)) == UMLAUT
    assert b"eve" not in octets_of(form(b"Bcc: eve@example.org\r\n" + UMLAUT))


def test_the_last_line_has_its_end() -> None:
    assert octets_of(form(PLAIN[:-2])) == PLAIN
    assert octets_of(form(HEAD + b"\r\n")) == HEAD + b"\r\n"
    assert octets_of(form(HEAD)) == HEAD + b"\r\n"


@pytest.mark.parametrize("name", ["DKIM-Signature", "dkim-signature", "ARC-Seal", "ARC-Message-Signature"])
def test_what_others_signed_is_sent_as_it_is_or_not_at_all(name: str) -> None:
    message = name.encode() + b": x\r\n" + UMLAUT
    assert foreign_signature(message).lower() == name.lower()
    assert octets_of(form(message, PeerForms(eight_bit=True))) == message
    refused = refusal(message)
    assert refused.status == "5.6.3"
    assert "8BITMIME" in refused.reason
    assert "others have signed it" in refused.reason


def test_long_lines_that_others_signed_leave_only_where_the_caller_allows_it() -> None:
    message = SIGNATURE + LONG
    assert refusal(message, OFFERS_ALL).status == "5.6.3"
    assert octets_of(form(message, PeerForms(long_lines=True))) == message
    binary = form(message, PeerForms(eight_bit=True, binary=True))
    assert (octets_of(binary), binary.body_type) == (message, BodyType.BINARY_MIME)


def test_binary_octets_that_others_signed_never_leave_by_data() -> None:
    assert refusal(SIGNATURE + BINARY, PeerForms(eight_bit=True, long_lines=True)).status == "5.6.3"


@pytest.mark.parametrize("text", ["Grüße".encode(), b"x" * 1200, b"a\nb"])
def test_signed_parts_are_never_changed(text: bytes) -> None:
    assert refusal(SMIME % text).status == "5.6.3"
    assert "signed or encrypted" in refusal(SMIME % text).reason
    assert octets_of(form(SMIME % b"text")) == SMIME % b"text"


@pytest.mark.parametrize("kind", [b"application/pkcs7-mime", b"application/x-pkcs7-mime; smime-type=enveloped-data"])
def test_enveloped_mail_is_never_changed(kind: bytes) -> None:
    message = HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + b"\xfc" * 30 + b"\r\n"
    assert refusal(message).status == "5.6.3"
    assert octets_of(form(message, OFFERS_ALL)) == message


def test_what_lies_beside_a_signed_part_may_change() -> None:
    inner = (SMIME % b"text").partition(b"MIME-Version: 1.0\r\n")[2]
    message = (
        HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n--o\r\n" + inner + b"\r\n--o\r\nContent-Type: text/plain;"
        b" charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "Fußzeile".encode() + b"\r\n--o--\r\n"
    )
    scanned = scan(message)
    assert protected_parts(scanned) == (1,)
    assert foreign_signature(HEAD) == ""
    octets = octets_of(form(message))
    assert inner in octets
    assert is_carried_by_plain_smtp(octets)
    assert content(octets) == content(message)
    assert 0 in protected_parts(scan(SMIME % b"x"))
    assert foreign_signature(SIGNATURE + HEAD) == "DKIM-Signature"


def test_a_prefix_in_front_of_the_stored_header_leaves_with_it() -> None:
    scanned = scan(UMLAUT)
    prefix = b"Received: from x\r\n\tby y\r\n"
    final = OutgoingMessage(prefix + UMLAUT[: scanned.header_end], scanned, ranges_of(UMLAUT)).form(OFFERS_ALL)
    assert not isinstance(final, Unsendable)
    assert octets_of(final) == prefix + UMLAUT


def test_the_body_is_read_at_need_and_in_pieces() -> None:
    """A body of 50 MB is never in memory: only ranges are asked for, each piece by piece."""
    piece = ("größe " * 8 + "\r\n").encode() * 1000
    count, header = 1000, MIME + b"\r\n"
    size = len(header) + count * len(piece)
    scanned = scan(header)
    root = msgspec.structs.replace(scanned.root, body_end=size)
    scanned = msgspec.structs.replace(scanned, size=size, parts=(root,))
    pieces_read = [0]

    def read(start: int, stop: int) -> Iterator[bytes]:
        assert (start, stop) == (len(header), size)
        for _ in range(count):
            pieces_read[0] += 1
            yield piece

    message = OutgoingMessage(header, scanned, read)
    final = message.form(OFFERS_NOTHING)
    assert not isinstance(final, Unsendable)
    assert pieces_read[0] <= 3 * count
    longest = max(map(len, final.body()))
    assert longest < 4 * len(piece)
    assert final.size > size


@pytest.mark.parametrize(
    "message", [PLAIN, PLAIN[:-2], UMLAUT, LONG, BINARY, b"References:" + b" <a@b>" * 400 + b"\r\n" + PLAIN]
)
@pytest.mark.parametrize("peer", [OFFERS_NOTHING, OFFERS_ALL])
def test_what_is_signed_is_what_is_sent(message: bytes, peer: PeerForms) -> None:
    final = form(message, peer)
    signed = signatures(final.header, hash_body(final.body()), [rsa_key(), ed25519_key()], NOW)
    sent = signed + final.header + b"".join(final.body())
    lookup = zone(rsa_key(), ed25519_key())
    assert (oracle_verify(sent, lookup, 0), oracle_verify(sent, lookup, 1)) == (True, True)

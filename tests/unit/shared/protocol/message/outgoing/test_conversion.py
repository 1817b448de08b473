"""Conversion to 7 bits of whole MIME trees: the same content for another parser, and nothing left that SMTP refuses."""

from __future__ import annotations

import base64
import email
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.message.headers import field_lines
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import Scan, scan
from shared.protocol.message.transfer import decode_transfer
from shared.protocol.smtp.commands import BodyType
from tests.unit.shared.protocol.dkim.messages import corpus
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

HEAD = b"From: ann@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
UTF8_TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
UMLAUT = "Grüße".encode()


def multipart(*parts: bytes, subtype: bytes = b"mixed", boundary: bytes = b"b", encoding: bytes = b"8bit") -> bytes:
    head = b"Content-Type: multipart/" + subtype + b'; boundary="' + boundary + b'"\r\n'
    head += b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    edge = b"--" + boundary
    return head + b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


def converted(message: bytes, peer: PeerForms = OFFERS_NOTHING) -> bytes:
    octets = octets_of(form(message, peer))
    assert content(octets) == content(message)
    if peer == OFFERS_NOTHING:
        assert is_carried_by_plain_smtp(octets)
    return octets


def test_only_the_parts_that_need_it_change() -> None:
    clean = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD"
    binary = b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x1a\n\0"
    octets = converted(HEAD + multipart(UTF8_TEXT + UMLAUT, clean, binary))
    assert clean in octets
    assert b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--b\r\n" in octets
    assert b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoA\r\n--b--" in octets
    assert octets.partition(b"\r\n\r\n")[0].endswith(b"Content-Transfer-Encoding: 7bit")


def test_nested_messages_are_converted_within_and_never_encoded() -> None:
    inner = b"From: carl@example.net\r\nSubject: y\r\n" + multipart(UTF8_TEXT + UMLAUT, boundary=b"i")
    attached = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    octets = converted(HEAD + multipart(attached))
    assert b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: carl@example.net" in octets
    assert octets.count(b"Content-Transfer-Encoding: 7bit") == 3


def test_a_peer_with_8bitmime_gets_only_long_lines_encoded() -> None:
    octets = converted(HEAD + multipart(UTF8_TEXT + UMLAUT, UTF8_TEXT + UMLAUT * 500), OFFERS_ALL)
    assert UTF8_TEXT + UMLAUT + b"\r\n--b" in octets
    assert octets.count(b"Content-Transfer-Encoding: 8bit") == 2
    assert octets.count(b"Content-Transfer-Encoding: quoted-printable") == 1


def test_base64_without_line_breaks_gets_some() -> None:
    data = bytes(range(256)) * 8
    part = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: BASE64\r\n\r\n" + base64.b64encode(data)
    octets = converted(HEAD + multipart(part), OFFERS_ALL)
    assert max(map(len, octets.split(b"\r\n"))) == 76


@pytest.mark.parametrize(
    ("text", "charset"), [(UMLAUT, b"utf-8"), (b"Gr\xfc\xdfe", b"unknown-8bit"), (b"\xc3\x28", b"unknown-8bit")]
)
def test_a_text_without_type_gets_its_charset(text: bytes, charset: bytes) -> None:
    octets = octets_of(form(b"From: a@example.org\r\n\r\n" + text + b"\r\n"))
    assert octets.startswith(
        b"From: a@example.org\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Type: text/plain; charset=" + charset + b"\r\nMIME-Version: 1.0\r\n\r\n"
    )
    assert email.message_from_bytes(octets).get_payload(decode=True) == text + b"\r\n"


def test_several_encoding_fields_become_one() -> None:
    head = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n"
    message = head + b"Content-Transfer-Encoding: 8bit\r\nX: y\r\nContent-transfer-encoding:\r\n 8bit\r\n\r\n" + UMLAUT
    octets = octets_of(form(message))
    assert octets == head + b"Content-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\nGr=C3=BC=C3=9Fe\r\n"


def test_a_preamble_loses_its_octets_over_127() -> None:
    body = multipart(UTF8_TEXT + UMLAUT)
    message = HEAD + body.replace(b"\r\n\r\n--b", "\r\n\r\nPräambel\r\n--b".encode(), 1) + "\r\nEpilög\n".encode()
    octets = converted(message)
    assert b"\r\n\r\nPr??ambel\r\n--b" in octets
    assert octets.endswith(b"\r\nEpil??g\r\n")


@pytest.mark.parametrize(
    ("text", "line"), [("ä--b--", b"--b--"), ("ä" * 11 + "wwww", b"--b"), ("ä\r--b\rX: y\r\r", b"--b")]
)
def test_no_encoded_line_becomes_a_delimiter(text: str, line: bytes) -> None:
    """A soft line break, or a CR that becomes a line end, must not make a part that nobody has examined."""
    message = HEAD + multipart(UTF8_TEXT + text.encode() + line * 400, UTF8_TEXT + UMLAUT)
    octets = octets_of(form(message))
    assert [part.content_type for part in scan(octets).parts] == ["multipart/mixed", "text/plain", "text/plain"]
    assert decoded(octets, scan(octets), 1) == decoded(message, scan(message), 1)


def test_message_global_is_encoded_whole() -> None:
    inner = "From: jörg@example.net\r\nSubject: Grüße\r\n\r\nHallo\r\n".encode()
    octets = octets_of(form(HEAD + multipart(b"Content-Type: message/global\r\n\r\n" + inner)))
    assert is_carried_by_plain_smtp(octets)
    assert b"message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n" in octets
    encoded = octets.split(b"\r\n\r\n")[2].partition(b"\r\n--b--")[0]
    assert base64.b64decode(encoded) == inner


REFUSED: dict[str, tuple[bytes, str]] = {
    "an inner header": (multipart("Content-Type: message/rfc822\r\n\r\nSubject: ü\r\n\r\nx".encode()), "header"),
    "a part's header": (multipart("Content-Type: text/plain; name=ü\r\n\r\nx".encode()), "header"),
    "an unknown encoding": (b"Content-Transfer-Encoding: x-uuencode\r\n\r\n\xfc\r\n", "x-uuencode"),
    "a long preamble": (multipart(UTF8_TEXT).replace(b"\r\n\r\n", b"\r\n\r\n" + b"x" * 1000 + b"\r\n", 1), "between"),
    "a multipart without parts": (b"Content-Type: multipart/mixed; boundary=z\r\n\r\n\xfc\r\n", "never encoded"),
    "a delivery status": (multipart(b"Content-Type: message/delivery-status\r\n\r\n\xfc"), "never encoded"),
    "too many parts": (multipart(*[UTF8_TEXT + UMLAUT] * 1100), "too many"),
    "too deep": (b"Content-Type: message/rfc822\r\n\r\n" * 120 + UTF8_TEXT + UMLAUT, "too deeply"),
    "a long field": (multipart(b"Content-Description: " + b"x" * 1200 + b"\r\n\r\n\xfc"), "Content-Description"),
}


@pytest.mark.parametrize(("body", "word"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_converted_is_refused_with_its_reason(body: bytes, word: str) -> None:
    refused = refusal(HEAD + body)
    assert refused.status == "5.6.3"
    assert word in refused.reason


def test_a_delimiter_with_octets_over_127_is_not_converted() -> None:
    message = HEAD + multipart(UTF8_TEXT + UMLAUT, boundary="bü".encode())
    assert refusal(message).status == "5.6.7"
    assert "delimiter" in refusal(message, PeerForms(smtputf8=True)).reason


def test_many_parts_within_the_bounds_are_converted() -> None:
    message = HEAD + multipart(*[UTF8_TEXT + UMLAUT] * 900)
    assert is_carried_by_plain_smtp(converted(message))


def octets_read(message: bytes) -> int:
    """The octets that were read to find the form."""
    scanned, octets, count = scan(message), ranges_of(message), [0]

    def read(start: int, stop: int) -> Iterator[bytes]:
        for piece in octets(start, stop):
            count[0] += len(piece)
            yield piece

    assert isinstance(OutgoingMessage(message[: scanned.header_end], scanned, read).form(OFFERS_NOTHING), FinalMessage)
    return count[0]


@pytest.mark.parametrize(
    "inner",
    [
        b"Content-Type: message/global\r\n\r\n" * 90 + b"Content-Type: text/plain\r\n\r\n" + b"words\r\n" * 2000,
        b"Content-Type: message/rfc822\r\n\r\n" * 90 + UTF8_TEXT + UMLAUT * 2000,
        b"Content-Type: message/global\r\n\r\n" * 90 + UTF8_TEXT + UMLAUT * 2000,
    ],
)
def test_the_work_does_not_grow_with_the_depth(inner: bytes) -> None:
    message = HEAD + multipart(inner, UTF8_TEXT + UMLAUT)
    assert octets_read(message) < 6 * len(message)


def test_a_conversion_is_its_own_final_form() -> None:
    octets = converted(HEAD + multipart(UTF8_TEXT + UMLAUT, UTF8_TEXT + b"x" * 3000))
    assert octets_of(form(octets)) == octets


def test_corpus() -> None:
    counts = {True: 0, False: 0}
    for message in corpus(7):
        final = outgoing(message).form(OFFERS_NOTHING)
        if isinstance(final, FinalMessage):
            octets = octets_of(final)
            assert is_carried_by_plain_smtp(octets)
            assert content(octets) == content(message)
            counts[final.is_converted] += 1
    assert counts[True] > 50
    assert counts[False] > 500


BODIES = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"word ",
            b"\xc3\xbc",
            b"\xff",
            b"x" * 700,
            b"--",
            b"-",
            b"=",
            b".",
            b"\t",
            b"\n",
            b"\r",
            b"\0",
            b"--b",
        ]
    ),
    max_size=12,
).map(b"".join)
LEAVES = st.builds(
    lambda kind, encoding, body: kind + encoding + b"\r\n" + body,
    st.sampled_from([b"Content-Type: text/plain; charset=utf-8\r\n", b"Content-Type: image/png\r\n", b""]),
    st.sampled_from([b"Content-Transfer-Encoding: 8bit\r\n", b"", b"Content-Transfer-Encoding: binary\r\n"]),
    BODIES,
)


def nested(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    counter = st.integers(0, 10**9)

    def joined(parts: list[bytes], number: int) -> bytes:
        return multipart(*parts, boundary=b"n%d" % number)

    message = st.builds(lambda part: b"Content-Type: message/rfc822\r\n\r\nSubject: i\r\n" + part, children)
    return st.one_of(st.builds(joined, st.lists(children, min_size=1, max_size=3), counter), message)


def decoded(message: bytes, scanned: Scan, index: int) -> bytes | None:
    """The content of a leaf part."""
    part = scanned.parts[index]
    if scanned.children(index):
        return None
    octets = decode_transfer(message[part.body_start : part.body_end], part.encoding)
    if part.media_type == "text":
        octets = re.sub(rb"\r\n|\r|\n", b"\n", octets)
    return octets.removesuffix(b"\n").removesuffix(b"\r")  # the last line of a body gets its end


LINES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/signed; boundary=c\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: message/global\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Transfer-Encoding: 8bit\r\n",
        b"\r\n--b\r\n",
        b"--c\n",
        b"--b--\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"Bcc: x\r\n",
        b"\xc3\xbc",
        b"x" * 999,
        b"=E4=\r\n",
        b"QUJD\r\n",
        b" ",
    ]
)


@settings(max_examples=500)
@given(
    st.lists(LINES, max_size=40).map(b"".join) | st.binary(max_size=200),
    st.builds(PeerForms, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_any_octets_have_a_form_or_a_reason(message: bytes, peer: PeerForms) -> None:
    final = outgoing(message).form(peer)
    if not isinstance(final, FinalMessage):
        assert final.status in ("5.6.3", "5.6.7")
        return
    octets = octets_of(final)
    assert not any(name.lower() == b"bcc" for name, _ in field_lines(final.header))
    if final.body_type is BodyType.BINARY_MIME:
        return
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert b"\0" not in octets
    assert peer.long_lines or max(map(len, octets.split(b"\r\n"))) <= 998
    body = octets[len(final.header) :]
    assert body.isascii() or final.body_type is BodyType.EIGHT_BIT_MIME
    assert final.header.isascii() or final.smtputf8


@settings(max_examples=300)
@given(st.recursive(LEAVES, nested, max_leaves=8), st.booleans())
def test_any_tree_keeps_its_content(tree: bytes, eight_bit: bool) -> None:
    message = HEAD + tree
    final = outgoing(message).form(PeerForms(eight_bit=eight_bit, smtputf8=eight_bit))
    if not isinstance(final, FinalMessage):
        return
    octets = octets_of(final)
    before, after = scan(message), scan(octets)
    assert [part.content_type for part in after.parts] == [part.content_type for part in before.parts]
    assert is_carried_by_plain_smtp(octets) or eight_bit
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert [decoded(octets, after, index) for index in range(len(after.parts))] == [
        decoded(message, before, index) for index in range(len(before.parts))
    ]

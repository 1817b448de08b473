"""Vacation responses, notifications and reports of refusals, as other programs read them."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.automatic.content import given_entity, text_entity
from shared.protocol.automatic.disposition import RefusedMessage, refusal_report
from shared.protocol.automatic.mail import (
    AnsweredMessage,
    Identity,
    NamedAddress,
    notification,
    vacation_response,
)
from shared.protocol.dsn.content import Original
from shared.protocol.srs.inner import inner_sender

IDENTITY = Identity("q1@mail.example.org", "Mon, 30 Nov 2026 00:00:00 +0000")
ANN, EVE = NamedAddress("ann@example.org", "Ann"), NamedAddress("eve@example.net", "Eve")
ORIGINAL = Original("q0", "eve@example.net", 0, b"Subject: Hello\r\nFrom: eve@example.net\r\n\r\n")


def read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@given(st.text(max_size=500), st.text(max_size=500), st.booleans())
def test_a_response_has_its_fields_whatever_the_script_says(subject: str, reason: str, is_mime: bool) -> None:
    data = vacation_response(ANN, EVE, subject, reason, AnsweredMessage("<a@b>", ("<c@d>",)), IDENTITY, is_mime=is_mime)
    header = data.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in header.split(b"\r\n") if line[:1] != b" "]
    own = [name for name in names if not name.startswith(b"content-")]
    assert own == [
        *(b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references"),
        *(b"auto-submitted", b"x-auto-response-suppress", b"mime-version"),
    ]
    assert b"\0" not in data and b"\n" not in data.replace(b"\r\n", b"") and b"\r" not in data.replace(b"\r\n", b"")


@given(st.text(max_size=2000))
def test_an_entity_has_one_header_and_lines_that_fit(text: str) -> None:
    for entity in (text_entity(text), given_entity(text)):
        head, _, body = entity.partition(b"\r\n\r\n")
        assert b"Content-Type:" in head and b"\0" not in entity
        assert body.replace(b"\r\n", b"").count(b"\n") == 0


def test_a_long_line_is_sent_in_base_64() -> None:
    entity = text_entity("é" * 2000)
    assert b"base64" in entity and max(map(len, entity.split(b"\r\n"))) <= 78
    assert read(entity).get_content().strip() == "é" * 2000


def test_a_given_entity_sets_content_fields_only() -> None:
    entity = given_entity("Content-Type: text/html; charset=utf-8\nBcc: all@example.net\nFrom: x@y\n\n<p>Grüße</p>")
    message = read(entity)
    assert message.get_content_type() == "text/html" and "Grüße" in message.get_content()
    assert message["Bcc"] is None and message["From"] is None


def test_a_notification_cannot_set_fields_of_ours() -> None:
    others = [("x-tag", "1\r\nBcc: y@z"), ("from", "boss@example.org"), ("auto-submitted", "no"), ("reply-to", "x@y")]
    message = read(notification(ANN, ["p@example.net", "q@example.net"], 'a"b@x', ("S", "B"), 1, others, IDENTITY))
    assert message["X-Tag"] == "1 Bcc: y@z" and message["Bcc"] is None and message["Reply-To"] is None
    assert message["Auto-Submitted"] == 'auto-notified; owner-email="a\\"b@x"'
    assert message["Importance"] == "high" and message["To"] == "p@example.net, q@example.net"


@pytest.mark.parametrize("reason", ["No.", "Nein, Grüße.\r\nZweite Zeile", "x" * 20_000])
def test_a_refusal_is_a_disposition_notification(reason: str) -> None:
    refusal = RefusedMessage(
        "Refused", reason, "ann@example.org", "rfc822;info@example.org", "<h@x>", "mail.example.org"
    )
    message = read(refusal_report(ANN, EVE, refusal, ORIGINAL, IDENTITY, "edge"))
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "disposition-notification"
    people, programs, returned = message.iter_parts()
    assert reason.split("\r\n")[0] in people.get_content()
    assert programs.get_content_type() == "message/disposition-notification"
    text = programs.as_string()
    for line in (
        "Reporting-UA: mail.example.org; Mailfold",
        "Original-Recipient: rfc822;info@example.org",
        "Final-Recipient: rfc822; ann@example.org",
        "Original-Message-ID: <h@x>",
        "Disposition: automatic-action/MDN-sent-automatically; deleted",
    ):
        assert line in text
    assert "Subject: Hello" in returned.as_string()


@pytest.mark.parametrize(
    "address",
    [
        "eve@example.net",
        "SRS0=ab=cd=example.net=eve@forward.example",
        "srs0+ab+cd=cd=example.net=eve@forward.example",
        "SRS1=ab=first.example==ab=cd=example.net=eve@second.example",
        "prvs=1234567890=eve@example.net",
        "SRS0=ab=cd=example.net=prvs=1234567890=eve@forward.example",
    ],
)
def test_the_person_behind_an_envelope_sender(address: str) -> None:
    assert inner_sender(address) == "eve@example.net"


@given(st.text(max_size=300))
def test_any_text_has_an_inner_sender(text: str) -> None:
    assert isinstance(inner_sender(text), str)

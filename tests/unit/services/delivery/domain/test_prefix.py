"""The header lines that delivery adds to a copy."""

from __future__ import annotations

import pytest

from services.delivery.domain.mail import AcceptedMail, from_classified, from_submitted, notice_prefix, prefix
from shared.events.delivery import Step
from shared.events.mail import Client, MailReceived, MailSubmitted, Message, Recipient
from shared.events.spam import MailClassified, RecordedVerdict

MESSAGE = Message("g0001/b", 10, b"Received: by us\r\n")
STEP = Step("info@example.org", 0, "store", address="ann@example.org")


def test_the_newest_line_is_on_top() -> None:
    mail = AcceptedMail("q1", "eve@example.net", (), MESSAGE, spam_headers=b"X-Spam-Flag: YES\r\n")
    lines = (
        b"Return-Path: <eve@example.net>\r\nDelivered-To: ann@example.org\r\nX-Spam-Flag: YES\r\nReceived: by us\r\n"
    )
    assert prefix(mail, STEP) == lines


def test_null_reverse_path_and_non_ascii_addresses() -> None:
    assert prefix(AcceptedMail("q1", "", (), MESSAGE), STEP).startswith(b"Return-Path: <>\r\n")
    assert "Return-Path: <jörg@example.net>\r\n".encode() in prefix(
        AcceptedMail("q1", "jörg@example.net", (), MESSAGE), STEP
    )


def test_a_notification_has_the_null_reverse_path() -> None:
    assert notice_prefix(STEP) == b"Return-Path: <>\r\nDelivered-To: ann@example.org\r\n"


def test_a_mail_is_read_from_its_event() -> None:
    received = MailReceived(
        "q1", "eve@example.net", (Recipient("ann@example.org"),), MESSAGE, Client("192.0.2.1"), "FULL", "e1"
    )
    mail = from_classified(MailClassified("q1", RecordedVerdict(True, 9.0, 5.0), b"X-Spam-Flag: YES\r\n", received))
    assert mail == AcceptedMail(
        "q1",
        "eve@example.net",
        received.recipients,
        MESSAGE,
        "FULL",
        "e1",
        True,
        b"X-Spam-Flag: YES\r\n",
        score=9.0,
        required=5.0,
        client="192.0.2.1",
    )
    sent = MailSubmitted("q1", "ann@example.org", received.recipients, MESSAGE, Client("192.0.2.1"), "u1", "a1")
    assert from_submitted(sent) == AcceptedMail(
        "q1",
        "ann@example.org",
        received.recipients,
        MESSAGE,
        submitted=True,
        account="a1",
        user="u1",
        client="192.0.2.1",
    )


@pytest.mark.parametrize(
    ("score", "required", "spam", "percent"),
    [
        (None, 5.0, False, None),
        (-3.0, 5.0, False, 0),
        (2.5, 5.0, False, 50),
        (4.999, 5.0, False, 99),
        (5.0, 5.0, True, 100),
        (50.0, 5.0, True, 100),
        (1.0, 0.0, False, 0),
    ],
)
def test_the_score_is_a_part_of_what_spam_needs(
    score: float | None, required: float, spam: bool, percent: int | None
) -> None:
    mail = AcceptedMail("q1", "", (), MESSAGE, spam=spam, score=score, required=required)
    assert mail.spam_percent_for("a1") == percent


def test_what_scripts_add_comes_below_the_lines_of_the_delivery() -> None:
    mail = AcceptedMail("q1", "eve@example.net", (), MESSAGE)
    step = Step("info@example.org", 0, "store", address="ann@example.org", added=b"X-A: 1\r\n")
    assert prefix(mail, step).splitlines()[1:] == [b"Delivered-To: ann@example.org", b"X-A: 1", b"Received: by us"]
    whole = Step("info@example.org", 0, "store", address="ann@example.org", added=b"X-A: 1\r\n", prefix=b"B: 2\r\n")
    assert prefix(mail, whole) == b"X-A: 1\r\nB: 2\r\n"


def test_a_verdict_without_its_reception_is_no_mail() -> None:
    with pytest.raises(ValueError, match="without its reception"):
        from_classified(MailClassified("q1", RecordedVerdict(False, 0.0, 5.0), b""))

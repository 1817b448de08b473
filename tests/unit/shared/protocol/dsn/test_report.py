"""Delivery status notifications, read back by the standard library."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dsn.report import Original, Reporter, Undelivered, build

HEADER = b"From: ann@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nMessage-ID: <m1@example.org>\r\n"
ORIGINAL = Original("q1", "ann@example.org", 1_700_000_000_000_000, HEADER, envid="env-1")
FATE = Undelivered("full@example.net", "5.2.2", "the mailbox is full", orcpt="rfc822;Full@example.net")
REPORTER = Reporter("mail.example.org", 1_700_000_100_000_000, "c1@mail.example.org", "mailfold-c1")


def parts(original: Original = ORIGINAL, *fates: Undelivered) -> list[Any]:
    report: Any = email.message_from_bytes(build(original, fates or (FATE,), REPORTER))
    assert report.is_multipart()
    value: list[Any] = report.get_payload()
    assert len(value) == 3
    return value


def groups(machines: Any) -> list[dict[str, str]]:
    return [dict(group.items()) for group in machines.get_payload()]


def test_the_message_is_a_report_to_the_sender() -> None:
    report = email.message_from_bytes(build(ORIGINAL, (FATE,), REPORTER))
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert (report["To"], report["Auto-Submitted"], report["Message-ID"]) == (
        "<ann@example.org>",
        "auto-replied",
        "<c1@mail.example.org>",
    )
    assert "MAILER-DAEMON@mail.example.org" in report["From"]
    assert report["Date"] == "Tue, 14 Nov 2023 22:15:00 +0000"
    assert report["Content-Transfer-Encoding"] == "8bit"
    assert [part.get_content_type() for part in parts()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]


def test_the_text_names_recipients_and_reasons() -> None:
    text = parts()[0].get_payload(decode=True).decode()
    assert "<full@example.net>" in text
    assert "the mailbox is full (5.2.2)" in text
    assert "q1" in text


def test_machines_get_the_fields_of_rfc_3464() -> None:
    assert groups(parts()[1]) == [
        {
            "Reporting-MTA": "dns; mail.example.org",
            "Original-Envelope-Id": "env-1",
            "Arrival-Date": "Tue, 14 Nov 2023 22:13:20 +0000",
        },
        {
            "Original-Recipient": "rfc822;Full@example.net",
            "Final-Recipient": "rfc822; full@example.net",
            "Action": "failed",
            "Status": "5.2.2",
            "Diagnostic-Code": "x-mailfold; the mailbox is full",
        },
    ]


def test_each_recipient_has_a_group() -> None:
    fates = [Undelivered(f"r{number}@example.net", "5.1.1", "gone") for number in range(3)]
    result = groups(parts(ORIGINAL, *fates)[1])
    assert [group["Final-Recipient"] for group in result[1:]] == [
        f"rfc822; r{number}@example.net" for number in range(3)
    ]
    assert "Original-Recipient" not in result[1]


def test_the_header_comes_back_with_its_bytes() -> None:
    returned = build(ORIGINAL, (FATE,), REPORTER).split(b"Content-Type: text/rfc822-headers\r\n", 1)[1]
    assert returned == b"Content-Transfer-Encoding: 8bit\r\n\r\n" + HEADER + b"\r\n--mailfold-c1--\r\n"


def test_ret_full_returns_the_message() -> None:
    returned = parts(Original("q1", "ann@example.org", 0, HEADER, b"Hello.\r\n"))[2]
    assert returned.get_content_type() == "message/rfc822"
    (inner,) = returned.get_payload()
    assert (inner["Message-ID"], inner.get_payload()) == ("<m1@example.org>", "Hello.\r\n")


def test_a_large_message_comes_back_as_its_header() -> None:
    data = build(
        Original("q1", "ann@example.org", 0, b"X: " + b"y" * 200_000 + b"\r\n", b"z" * 300_000), (FATE,), REPORTER
    )
    assert b"text/rfc822-headers" in data
    assert len(data) < 70_000


def test_non_ascii_text_is_escaped_in_fields_and_written_in_the_text() -> None:
    original = Original("q1", "jörg@example.org", 0, HEADER)
    data = build(
        original,
        (Undelivered("größe@example.net", "5.2.2", "Das Postfach ist «voll»", orcpt="utf-8;größe@example.net"),),
        REPORTER,
    )
    machines = data.split(b"message/delivery-status", 1)[1].split(b"--mailfold-c1", 1)[0]
    assert machines.isascii()
    assert rb"Final-Recipient: utf-8; gr\x{F6}\x{DF}e@example.net" in machines
    assert "größe@example.net".encode() in data
    assert "«voll»".encode() in data


INJECTION = "a@x>\r\nBcc: all@example.org\r\n\r\n--mailfold-c1\r\n\x00\x0b\x0c\x1c\x85\u2028\u2029end"


@pytest.mark.parametrize("field", ["recipient", "reason", "orcpt", "sender", "envid"])
def test_nothing_that_others_wrote_ends_a_line(field: str) -> None:
    given = {
        "recipient": "full@example.net",
        "reason": "full",
        "orcpt": "rfc822;x",
        "sender": "ann@example.org",
        "envid": "e",
    } | {field: INJECTION}
    original = Original("q1", given["sender"], 0, HEADER, envid=given["envid"])
    data = build(original, (Undelivered(given["recipient"], "5.2.2", given["reason"], orcpt=given["orcpt"]),), REPORTER)
    report: Any = email.message_from_bytes(data)
    assert len(report.get_payload()) == 3
    assert report["Bcc"] is None
    assert b"\x00" not in data
    assert all("Bcc" not in group for group in groups(report.get_payload()[1]))


@given(*[st.text() | st.text("𝄞ü", min_size=400, max_size=2000)] * 4)
def test_any_text_gives_a_report_of_three_parts(recipient: str, reason: str, orcpt: str, sender: str) -> None:
    data = build(Original("q1", sender, 0, HEADER), (Undelivered(recipient, "5.0.0", reason, orcpt=orcpt),), REPORTER)
    report: Any = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert len(report.get_payload()) == 3
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998

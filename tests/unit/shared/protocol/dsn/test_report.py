"""Delivery status notifications, read back by the standard library."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport
from shared.protocol.dsn.report import MOST_RECIPIENTS, build
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from tests.unit.shared.protocol.dsn.reports import (
    ARRIVED,
    DELAYED,
    FAILED,
    HEADER,
    ORIGINAL,
    REPORTER,
    groups,
    parts,
    report,
    text,
)


def test_the_message_is_a_report_to_the_sender() -> None:
    read = report()
    assert read.get_content_type() == "multipart/report"
    assert read.get_param("report-type") == "delivery-status"
    assert dict(read.items()) == {
        "From": "Mail Delivery System <postmaster@example.org>",
        "To": "<ann@example.org>",
        "Subject": "Undelivered Mail Returned to Sender",
        "Date": "Tue, 14 Nov 2023 22:15:00 +0000",
        "Message-ID": "<c1@mail.example.org>",
        "Auto-Submitted": "auto-replied",
        "MIME-Version": "1.0",
        "Content-Transfer-Encoding": "8bit",
        "Content-Type": 'multipart/report; report-type=delivery-status;\r\n boundary="bd-c1"',
    }
    assert [part.get_content_type() for part in parts()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]


def test_programs_get_the_fields_of_rfc_3464() -> None:
    assert groups() == [
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
            "Final-Log-ID": "q1",
        },
    ]


def test_a_delay_says_until_when_it_is_tried() -> None:
    assert groups(ORIGINAL, DELAYED)[1] == {
        "Final-Recipient": "rfc822; bob@example.net",
        "Action": "delayed",
        "Status": "4.4.1",
        "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "x-mailfold; no server of the domain answers",
        "Last-Attempt-Date": "Tue, 14 Nov 2023 23:13:20 +0000",
        "Final-Log-ID": "q1",
        "Will-Retry-Until": "Sun, 19 Nov 2023 22:13:20 +0000",
    }
    assert "Will-Retry-Until" not in groups(ORIGINAL, msgspec.structs.replace(DELAYED, action=DsnAction.FAILED))[1]
    assert report(ORIGINAL, DELAYED)["Subject"] == "Delayed Mail (still being tried)"


@pytest.mark.parametrize(
    ("actions", "subject"),
    [
        (["delivered"], "Successful Mail Delivery"),
        (["relayed"], "Mail handed over to the next server"),
        (["expanded"], "Mail passed on to several recipients"),
        (["delivered", "failed", "delayed"], "Undelivered Mail Returned to Sender"),
        (["delivered", "relayed"], "Mail handed over to the next server"),
    ],
)
def test_the_subject_names_the_gravest_action(actions: list[str], subject: str) -> None:
    reports = [RecipientReport("r@example.net", "2.0.0", "", DsnAction(action)) for action in actions]
    assert report(ORIGINAL, *reports)["Subject"] == subject
    assert [group["Action"] for group in groups(ORIGINAL, *reports)[1:]] == actions


def test_each_recipient_has_a_group() -> None:
    reports = [RecipientReport(f"r{number}@example.net", "5.1.1", "gone") for number in range(MOST_RECIPIENTS)]
    result = groups(ORIGINAL, *reports)
    assert [group["Final-Recipient"] for group in result[1:]] == [
        f"rfc822; r{number}@example.net" for number in range(MOST_RECIPIENTS)
    ]
    assert "Original-Recipient" not in result[1]
    assert "400 more recipients are named in the second part" in text(ORIGINAL, *reports)


def test_what_no_report_may_be_about() -> None:
    with pytest.raises(ValueError, match="1 to 500 recipients"):
        build(ORIGINAL, (), REPORTER)
    with pytest.raises(ValueError, match="1 to 500 recipients"):
        build(ORIGINAL, [FAILED] * (MOST_RECIPIENTS + 1), REPORTER)
    with pytest.raises(ValueError, match="null reverse-path"):
        build(msgspec.structs.replace(ORIGINAL, sender=""), (FAILED,), REPORTER)


@pytest.mark.parametrize("status", ["", "5.2", "5.2.2 x", "5.2.2\r\nBcc: x", "x.y.z", "3.0.0", "5.1111.1", "5.١.1"])
@pytest.mark.parametrize(
    ("action", "shown"), [(DsnAction.FAILED, "5.0.0"), (DsnAction.DELAYED, "4.0.0"), (DsnAction.RELAYED, "2.0.0")]
)
def test_a_status_without_valid_form_becomes_unspecific(status: str, action: DsnAction, shown: str) -> None:
    assert groups(ORIGINAL, RecipientReport("r@example.net", status, "x", action))[1]["Status"] == shown


INJECTION = "a@x>\r\nBcc: all@example.org\r\n\r\n--bd-c1\r\n\x00\x0b\x0c\x1c\x85\u2028\u2029\u202e\x1b[2Jend"


@pytest.mark.parametrize(
    "field", ["recipient", "reason", "orcpt", "remote", "reply", "sender", "envid", "subject", "queue_id"]
)
@pytest.mark.parametrize("smtputf8", [False, True])
def test_nothing_that_others_wrote_ends_a_line(field: str, smtputf8: bool) -> None:
    own = {"sender", "envid", "subject", "queue_id"}
    values: dict[str, Any] = {field: ("rfc822;" if field == "orcpt" else "") + INJECTION}
    original = msgspec.structs.replace(ORIGINAL, smtputf8=smtputf8, **(values if field in own else {}))
    reports = msgspec.structs.replace(FAILED, **({} if field in own else values))
    data = build(original, (reports,), REPORTER)
    read: Any = email.message_from_bytes(data)
    assert [part.get_content_maintype() for part in read.get_payload()[:2]] == ["text", "message"]
    assert len(read.get_payload()) == 3
    assert read["Bcc"] is None
    assert not any(octet in data for octet in (b"\x00", b"\x1b", b"\x0b", "\u2028".encode(), "\u202e".encode()))
    assert all("Bcc" not in group for group in groups(original, reports))
    assert len(groups(original, reports)) == 2


@given(*[st.text() | st.text("𝄞ü\\{}", min_size=400, max_size=2000)] * 5, st.booleans())
def test_any_text_gives_a_report_of_three_parts(
    recipient: str, reason: str, orcpt: str, sender: str, reply: str, smtputf8: bool
) -> None:
    original = Original("q1", sender or "a", 0, HEADER, smtputf8=smtputf8)
    data = build(
        original, (RecipientReport(recipient, "5.0.0", reason, orcpt=orcpt, reply=reply, remote=reply),), REPORTER
    )
    read: Any = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert len(read.get_payload()) == 3
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_a_report_leaves_in_seven_bits_where_it_must() -> None:
    reports = (msgspec.structs.replace(FAILED, reply="552 Das Postfach ist «voll»"),)
    for original in (ORIGINAL, msgspec.structs.replace(ORIGINAL, smtputf8=True, body="Grüße\r\n".encode())):
        data = build(original, reports, REPORTER)
        scanned = scan(data)
        assert scanned.size == len(data)
        final = OutgoingMessage(data[: scanned.header_end], scanned, ranges_of(data)).form(PeerForms())
        assert isinstance(final, FinalMessage)
        assert b"".join([final.header, *final.body()]).isascii()


def test_an_old_report_keeps_its_date() -> None:
    assert groups(msgspec.structs.replace(ORIGINAL, arrived=ARRIVED - 86_400_000_000))[0]["Arrival-Date"] == (
        "Mon, 13 Nov 2023 22:13:20 +0000"
    )

"""What people read: who, why, what the server said, and what they can do."""

from __future__ import annotations

import msgspec
import pytest

from shared.protocol.dsn.action import DsnAction, is_reported
from shared.protocol.dsn.content import RecipientReport
from shared.protocol.dsn.remedy import remedy
from shared.protocol.dsn.text import REPLY_LINE, REPLY_LINES, readable, reply_lines
from tests.unit.shared.protocol.dsn.reports import DELAYED, FAILED, ORIGINAL, text


def test_people_read_who_and_why_and_what_to_do() -> None:
    failed = msgspec.structs.replace(FAILED, remote="mx.example.net", reply="552-5.2.2 Mailbox\n552 5.2.2 full")
    assert text(msgspec.structs.replace(ORIGINAL, subject="Lunch"), failed) == (
        "This is the mail system at mail.example.org.\r\n"
        "\r\n"
        'Your message "Lunch" of Tue, 14 Nov 2023 22:13:20 +0000 could not be delivered\r\n'
        "to:\r\n"
        "\r\n"
        "<full@example.net>\r\n"
        "    the mailbox is full (5.2.2)\r\n"
        "    The mailbox is full. Ask the recipient by other means to make room, then\r\n"
        "    send the message again.\r\n"
        "    The server mx.example.net said:\r\n"
        "        552-5.2.2 Mailbox\r\n"
        "        552 5.2.2 full\r\n"
        "\r\n"
        "Its queue id here was q1; the operator can look up what happened to it under\r\n"
        "that id.\r\n"
    )


def test_a_delay_says_until_when_and_that_nothing_is_to_be_done() -> None:
    words = text(ORIGINAL, DELAYED)
    assert "has not been delivered yet to:" in words
    assert "It will be tried until Sun, 19 Nov 2023 22:13:20 +0000." in words
    assert "need not send the message again" in words


def test_several_actions_have_a_section_each() -> None:
    delivered = RecipientReport("carl@example.net", "2.1.5", "delivered", DsnAction.DELIVERED)
    words = text(ORIGINAL, delivered, FAILED, DELAYED)
    assert words.index("could not be delivered to:") < words.index("yet to:") < words.index("was delivered to:")


def test_a_withheld_content_is_said_and_its_subject_is_not() -> None:
    withheld = msgspec.structs.replace(ORIGINAL, subject="secret plans", content_withheld=True)
    assert "secret" not in text(withheld)
    assert "REQUIRETLS" in text(withheld)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.1.1", "Check the address"),
        ("4.2.2", "mailbox is full"),
        ("5.2.2", "mailbox is full"),
        ("5.3.4", "too large"),
        ("4.4.1", "does not answer"),
        ("5.4.7", "does not answer"),
        ("5.4.6", "circle"),
        ("5.1.10", "never receives mail"),
        ("5.6.3", "must not be changed"),
        ("5.6.7", "characters"),
        ("5.7.1", "its own rules"),
        ("4.7.5", "secure connection"),
        ("5.7.5", "secure connection"),
        ("5.7.30", "secure connection"),
        ("5.7.26", "SPF, DKIM and DMARC"),
        ("5.7.25", "reverse DNS"),
        ("5.7.999", "its own rules"),
        ("5.9.9", "operator of your mail server"),
        ("", "operator of your mail server"),
    ],
)
def test_each_failure_has_a_remedy(status: str, words: str) -> None:
    assert words in remedy(status, DsnAction.FAILED)


def test_success_needs_no_remedy() -> None:
    assert [remedy("2.0.0", action) for action in DsnAction] != [""] * 5
    assert remedy("2.0.0", DsnAction.DELIVERED) == remedy("2.0.0", DsnAction.RELAYED) == ""


def test_the_words_of_a_server_are_bounded() -> None:
    lines = reply_lines("\n".join(["x" * 5000] + [f"line {number}" for number in range(5000)]))
    assert (len(lines) <= REPLY_LINES, max(map(len, lines)) <= REPLY_LINE) == (True, True)
    assert sum(map(len, reply_lines("y\n" * 1_000_000))) <= REPLY_LINES
    assert reply_lines(readable(b"550 \xff\x1b[1m\x00nein\r\n\r\n451 \xc3\xbc")) == ["550 \ufffd [1m nein", "451 ü"]


@pytest.mark.parametrize(
    ("notify", "reported"),
    [
        ("", {"failed", "delayed"}),
        (" ", {"failed", "delayed"}),
        ("NEVER", set()),
        ("never", set()),
        ("NEVER,FAILURE", set()),
        ("FAILURE", {"failed"}),
        ("delay", {"delayed"}),
        ("SUCCESS", {"delivered", "relayed", "expanded"}),
        ("SUCCESS,DELAY", {"delivered", "relayed", "expanded", "delayed"}),
        ("SUCCESS, FAILURE,DELAY", {"delivered", "relayed", "expanded", "delayed", "failed"}),
        ("FAILURES", set()),
    ],
)
def test_notify_says_what_is_reported(notify: str, reported: set[str]) -> None:
    assert {action.value for action in DsnAction if is_reported(notify, action)} == reported

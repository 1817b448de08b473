"""Notifications for users who have a name, a language and a time zone, read back by another parser."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from shared.protocol.dsn.notice import plain_notice
from shared.protocol.dsn.report import build
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import language_of
from tests.unit.shared.protocol.dsn.reports import DELAYED, FAILED, ORIGINAL, REPORTER

GERMAN = Addressee("jörg@example.org", 'Jörg "der Ältere" Müller', language_of("de"), ZoneInfo("Europe/Berlin"))


def read(data: bytes) -> EmailMessage:
    assert b"\n" not in data.replace(b"\r\n", b"")
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def head_value(head: bytes, name: bytes) -> str:
    """The value of a field, unfolded."""
    return head.partition(name + b": ")[2].partition(b">\r\n")[0].decode().replace("\r\n", "")


def notice(to: Addressee, subject: str = "Hello") -> EmailMessage:
    return read(plain_notice(to, subject, ("A paragraph.",), REPORTER))


def test_a_notification_has_name_language_and_time_of_its_reader() -> None:
    message = notice(GERMAN, "Größe")
    (mailbox,) = message["To"].addresses
    assert (mailbox.display_name, mailbox.domain) == (GERMAN.name, "example.org")
    assert message["Subject"] == "Größe"
    assert message["Date"] == "Tue, 14 Nov 2023 23:15:00 +0100"
    assert message["From"].addresses[0].display_name == "Mailsystem"
    assert message.get_content().startswith('Guten Tag Jörg "der Ältere" Müller,\r\n')


def test_header_fields_of_a_notification_are_ascii_but_for_addresses() -> None:
    to = GERMAN._replace(address="ann@example.org", name="ÄÖÜ" * 60)
    head = plain_notice(to, "ß" * 200, (), REPORTER).partition(b"\r\n\r\n")[0]
    assert head.isascii() and max(map(len, head.split(b"\r\n"))) <= 78
    message = notice(to, "ß" * 200)
    name = str(make_header(decode_header(head_value(head, b"To").rpartition("<")[0].strip())))
    assert (name, message["Subject"]) == ("ÄÖÜ" * 60, "ß" * 200)


@pytest.mark.parametrize(
    "name",
    [
        "Ann\r\nBcc: eve@example.net",
        "Ann\r\n\r\nbody",
        "Ann\u2028Bcc: eve@example.net",
        "\u202egnA\u2066",
        "Ann\x00\x1b[31m",
        'Ann" <eve@example.net>, "',
        "Ann <eve@example.net>",
        "=?utf-8?B?DQpCY2M6IGV2ZUBleGFtcGxlLm5ldA==?=",
        "ä" * 10_000,
        "x" * 10_000,
        "\\",
        "{name} %s {0.__class__}",
    ],
)
def test_a_hostile_display_name_stays_a_name_on_its_line(name: str) -> None:
    plain = set(notice(Addressee("ann@example.org")).keys())
    for message in (
        notice(Addressee("ann@example.org", name)),
        read(build(ORIGINAL, (FAILED,), REPORTER, Addressee("ann@example.org", name))),
    ):
        (mailbox,) = message["To"].addresses
        assert mailbox.addr_spec == "ann@example.org"
        assert set(message.keys()) >= {"From", "To", "Subject"} and "Bcc" not in message
    shown = notice(Addressee("ann@example.org", name))
    assert set(shown.keys()) == plain
    first = "".join(shown.get_content().split("\r\n\r\n")[0].split("\r\n"))
    assert len(first) <= len("Hello ,") + 200
    assert not {"\u202e", "\u2066", "\u2028", "\x1b", "\x00", "\r"} & set(first)


def test_a_report_is_german_for_people_and_unchanged_for_programs() -> None:
    to = GERMAN._replace(address=ORIGINAL.sender)
    english = read(build(ORIGINAL, (FAILED, DELAYED), REPORTER))
    german = read(build(ORIGINAL, (FAILED, DELAYED), REPORTER, to))
    words, programs, *_ = list(german.iter_parts())
    assert german["Subject"] == "Unzustellbar: Ihre Nachricht kommt zurück"
    assert german.get_content_type() == "multipart/report"
    text = " ".join(words.get_content().split())
    assert (
        "konnte nicht zugestellt werden an: <full@example.net> the mailbox is full (5.2.2) Das Postfach ist voll."
        in text
    )
    assert "Es wird weiter versucht bis: So., 19. November 2023, 23:13:20 (+0100)." in text
    assert programs.as_bytes() == list(english.iter_parts())[1].as_bytes()

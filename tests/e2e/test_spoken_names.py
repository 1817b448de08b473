"""Notifications for a user are in the user's language, with the display name and the time of the user's zone."""

from __future__ import annotations

import itertools
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from tests.harness.imap import Imap
from tests.harness.mails import bytes_of, compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

_numbers = itertools.count(1)
NAME = "Jörg “der Ältere” Müller"


def arrived(imap: Imap, subject: str) -> EmailMessage:
    """The message in INBOX with these words in its subject."""
    imap.select()
    until(lambda: imap.uids_of_text("SUBJECT", subject), subject)
    (uid,) = imap.uids_of_text("SUBJECT", subject)
    return cast(EmailMessage, message_from_bytes(imap.fetch(uid), policy=policy.default))


def words(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


def test_a_german_user_reads_german_notifications(server: MailfoldServer) -> None:
    domain = f"spoken{next(_numbers)}.example"
    server.command("domain", "add", domain, "--incoming")
    joerg, full = server.people.person("joerg", domain=domain), server.people.person("full", domain=domain, quota=2000)
    server.command("account", "quota", joerg.address, "0", "--messages", "10")
    (user,) = [entry["name"] for entry in server.command.json("user", "list") if joerg.address in entry["accounts"]]
    given = ("--display-name", NAME, "--language", "de-DE", "--time-zone", "Asia/Kolkata")
    shown = server.command.json("user", "set", user, *given)
    assert (shown["display_name"], shown["language"], shown["time_zone"]) == (NAME, "de-DE", "Asia/Kolkata")
    with server.imap(joerg) as imap:
        for _ in range(8):
            imap.append("Archive", compose(f"carl@{HONEST}", joerg.address).data)
        note = arrived(imap, "Ihr Postfach ist zu 80 % voll")
        assert str(note["To"]) == f'"{NAME}" <{joerg.address}>' or NAME in str(note["To"])
        assert note["To"].addresses[0].addr_spec == joerg.address
        assert str(note["Date"]).endswith("+0530")
        text = words(note)
        assert text.startswith(f"Guten Tag {NAME}, dies ist das Mailsystem auf ")
        assert "mehr als 80 % voll: 8 von 10 Nachrichten sind belegt." in text
        assert re.search(r"bemerkt: \w\w\., \d{1,2}\. \w+ \d{4}, \d\d:\d\d:\d\d \(\+0530\)\.", text)
        with server.submission(joerg) as smtp:
            smtp.send(joerg.address, [full.address], compose(joerg.address, full.address, body=bytes_of(5000)).data)
        report = arrived(imap, "Unzustellbar: Ihre Nachricht kommt zurück")
        assert report.get_content_type() == "multipart/report"
        assert "Byte sind mehr als der ganze Platz von 2000 Byte (5.2.2) Das Postfach ist voll." in words(report)

"""Python's smtplib, as a simple script uses it."""

from __future__ import annotations

import smtplib

import pytest

from tests.harness.people import Person
from tests.harness.ports import SUBMISSION
from tests.harness.server import MailfoldServer

BODY = "first\n.leading dot\n.\n..two\n\nlast\n"


def headed(person: Person, subject: str) -> str:
    return f"From: {person.address}\nTo: {person.address}\nSubject: {subject}\n\n"


def text_of(server: MailfoldServer, person: Person, subject: str) -> bytes:
    """The only message with a subject, as FETCH returns it."""
    with server.imap(person) as imap:
        imap.select()
        (uid,) = imap.uids("SUBJECT", f'"{subject}"')
        return imap.fetch(uid)


@pytest.mark.parametrize("subject", ["bytes with LF", "bytes with CRLF", "a string"])
def test_a_script_sends_its_text(server: MailfoldServer, ann: Person, subject: str) -> None:
    """smtplib sends a text given as bytes unchanged, with LF, and doubles a dot after each LF."""
    text = headed(ann, subject) + BODY
    given = {"bytes with LF": text.encode(), "bytes with CRLF": text.replace("\n", "\r\n").encode()}.get(subject, text)
    with smtplib.SMTP("localhost", server.port(SUBMISSION)) as smtp:
        smtp.starttls(context=server.tls())
        smtp.login(ann.address, ann.password)
        assert smtp.sendmail(ann.address, [ann.address], given) == {}
    server.settled()
    fetched = text_of(server, ann, subject)
    end = "\r\n" if subject == "bytes with LF" else ""  # smtplib adds CRLF to what does not end in CRLF
    assert fetched.endswith((text.replace("\n", "\r\n") + end).encode())
    assert b"\n" not in fetched.replace(b"\r\n", b"")

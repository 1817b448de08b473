"""Reading what arrived."""

from __future__ import annotations

from tests.harness.people import Person
from tests.harness.server import MailfoldServer


def text_of(server: MailfoldServer, person: Person, subject: str) -> bytes:
    """The one message of a subject, as FETCH gives it."""
    with server.imap(person) as imap:
        imap.select()
        (uid,) = imap.uids("SUBJECT", f'"{subject}"')
        return imap.fetch(uid)

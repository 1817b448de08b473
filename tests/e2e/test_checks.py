"""SPF, DKIM and DMARC of mail from outside are written into the header, recorded, and shown by `mailfold trace`."""

from __future__ import annotations

import pytest

from tests.e2e.received import fields
from tests.harness.mails import RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import FORGED, HONEST, SILENT


@pytest.mark.all_layouts
def test_a_signed_mail_from_an_honest_sender_passes(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    sent = compose(f"carl@{HONEST}", ann.address, signed_by=HONEST)
    results = results_of(server, ann, f"carl@{HONEST}", sent)
    assert f"smtp.mailfrom=carl@{HONEST}" in results or f"smtp.mailfrom={HONEST}" in results
    assert all(
        word in results
        for word in ("spf=pass", "dkim=pass", "dmarc=pass", f"header.d={HONEST}", f"header.from={HONEST}")
    ), results


def test_a_changed_body_fails_its_signature(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    sent = compose(f"carl@{HONEST}", ann.address, signed_by=HONEST)
    changed = RenderedMail(sent.message_id, sent.data.replace(b"Hello", b"Hallo"))
    results = results_of(server, ann, f"carl@{HONEST}", changed)
    assert "spf=pass" in results and "dkim=fail" in results, results


def test_a_forged_sender_fails_and_is_recorded(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    results = results_of(server, ann, f"boss@{FORGED}", compose(f"boss@{FORGED}", ann.address))
    assert "spf=fail" in results and "dmarc=fail" in results and "dkim=none" in results, results


def test_a_sender_without_records_is_none(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    results = results_of(server, ann, f"dora@{SILENT}", compose(f"dora@{SILENT}", ann.address))
    assert all(word in results for word in ("spf=none", "dkim=none", "dmarc=none")), results


def test_trace_shows_the_checks_with_their_inputs(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    sent = compose(f"boss@{FORGED}", ann.address)
    with server.smtp() as smtp:
        queue_id = smtp.send(f"boss@{FORGED}", [ann.address], sent.data).queue_id
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    server.command.trace(queue_id, "spf", "fail", "v=spf1 -all", "dmarc", "v=DMARC1; p=reject", "127.0.0.1")


def results_of(server: MailfoldServer, person: Person, sender: str, sent: RenderedMail) -> str:
    """Our Authentication-Results field of this mail."""
    with server.smtp() as smtp:
        assert smtp.send(sender, [person.address], sent.data).queue_id
    with server.imap(person) as imap:
        result = fields(imap.fetch(imap.wait_for(sent.message_id)), "Authentication-Results")
    assert len(result) == 1, result
    return result[0]

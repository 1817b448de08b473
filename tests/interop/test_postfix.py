"""Mail that a user submits arrives at a real Postfix, over TLS and signed twice; what it refuses comes back."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes

import dkim
import pytest

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats, postfix
from tests.parts.required import needs


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[postfix.PostfixServer]:
    needs(postfix)
    with postfix.PostfixServer(ELSEWHERE) as running:
        yield running


@pytest.fixture(scope="module")
def sending(elsewhere: postfix.PostfixServer) -> Iterator[MailfoldServer]:
    """A server that sends to Postfix."""
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(elsewhere.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as running:
        yield running


def test_a_submitted_mail_arrives_over_tls_and_both_signatures_hold(
    sending: MailfoldServer, elsewhere: postfix.PostfixServer
) -> None:
    ann = sending.people.person("ann")
    sent = compose(ann.address, f"dora@{ELSEWHERE}")
    with sending.submission(ann) as smtp:
        queue_id = smtp.send(ann.address, [f"dora@{ELSEWHERE}"], sent.data).queue_id
    until(lambda: elsewhere.messages("dora"), "the mail at Postfix")
    (stored,) = elsewhere.messages("dora")
    arrived = stored[stored.index(b"DKIM-Signature:") :].replace(b"\n", b"\r\n")
    keys = sending.command.json("dkim", "show", ann.address.partition("@")[2])
    records = {f"{key['name']}.": key["record"].encode() for key in keys}
    assert arrived.count(b"DKIM-Signature:") == len(records) == 2
    for index in (0, 1):
        verifier = dkim.DKIM(arrived)
        assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records.get(name.decode(), b""))
    assert b"with ESMTPS" in stored
    assert "TLSv1.3" in sending.command.trace(queue_id, "outbound.delivered")


def test_a_refused_recipient_comes_back_to_the_mailbox_of_the_sender(
    sending: MailfoldServer, elsewhere: postfix.PostfixServer
) -> None:
    ann = sending.people.person("ben")
    sent = compose(ann.address, f"emil@{ELSEWHERE}")
    with sending.submission(ann) as smtp:
        smtp.send(ann.address, [f"emil@{ELSEWHERE}", f"nobody@{ELSEWHERE}"], sent.data)
    until(lambda: elsewhere.messages("emil"), "the mail at Postfix")
    with sending.imap(ann) as imap:
        until(lambda: imap.count("INBOX") == 1, "the report")
        imap.select()
        report = message_from_bytes(imap.fetch(1))
    assert report.get_content_type() == "multipart/report"
    status = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    fields = status.get_payload()[1]
    assert fields["Final-Recipient"] == f"rfc822; nobody@{ELSEWHERE}"
    assert (fields["Action"], fields["Status"]) == ("failed", "5.1.1")
    assert fields["Remote-MTA"] == f"dns; mx.{ELSEWHERE}"
    assert fields["Diagnostic-Code"].startswith("smtp; 550 5.1.1")

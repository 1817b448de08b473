"""A server whose name server never answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loadtest.zone.answers import Faults
from tests.e2e.received import fields
from tests.harness.mails import compose
from tests.harness.people import DOMAIN, SENDING_DOMAIN
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

DOWN_FOR = {"MAILFOLD_RESOLVER_DOWN_FOR": "3600"}
"""Seconds for which the name server is not tried again, longer than this test takes."""
MOST_QUESTIONS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[MailfoldServer]:
    """A server whose DNS questions are not answered."""
    needs(nats)
    running = MailfoldServer(settings=DOWN_FOR)
    running.dns.server.faults = Faults(silent=frozenset({""}))
    with running:
        yield running


def questions_about_mail(server: MailfoldServer) -> int:
    """The questions so far, without those for the DKIM keys of our own domains, which have a time of their own."""
    ours = f"_domainkey.{DOMAIN}", f"_domainkey.{SENDING_DOMAIN}"
    return sum(count for (name, _), count in server.dns.server.counted().items() if not name.endswith(ours))


def test_mail_is_accepted_after_one_wait_and_then_at_once(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    sender, asked = f"carl@{HONEST}", []
    for _ in range(4):
        sent = compose(sender, ann.address, signed_by=HONEST)
        with server.smtp() as smtp:
            assert smtp.send(sender, [ann.address], sent.data).queue_id
        asked.append(questions_about_mail(server))
        with server.imap(ann) as imap:
            (results,) = fields(imap.fetch(imap.wait_for(sent.message_id)), "Authentication-Results")
        assert "spf=temperror" in results and "dkim=temperror" in results and "dmarc=temperror" in results, results
    assert 0 < asked[0] <= MOST_QUESTIONS  # with repeats; all questions share one wait
    assert asked == asked[:1] * 4  # afterwards nothing is asked, so nothing is waited for

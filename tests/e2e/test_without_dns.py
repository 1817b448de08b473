"""A laptop whose name server is a black hole."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from loadtest.zone.answers import Faults
from tests.e2e.received import fields
from tests.harness.letters import letter
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

BOUNDED_WAIT = 10.0
AT_ONCE = 1.5


@pytest.fixture(scope="module")
def server() -> Iterator[MailfoldServer]:
    """No question is answered."""
    needs(nats)
    running = MailfoldServer()
    running.dns.server.faults = Faults(silent=frozenset({""}))
    with running:
        yield running


def test_mail_is_accepted_after_one_wait_and_then_at_once(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    sender, durations = f"carl@{HONEST}", []
    for _ in range(4):
        sent = letter(sender, ann.address, signed_by=HONEST)
        began = time.monotonic()
        with server.smtp() as smtp:
            assert smtp.send(sender, [ann.address], sent.data).queue_id
        durations.append(time.monotonic() - began)
        with server.imap(ann) as imap:
            (results,) = fields(imap.fetch(imap.wait_for(sent.message_id)), "Authentication-Results")
        assert "spf=temperror" in results and "dkim=temperror" in results and "dmarc=temperror" in results, results
    assert durations[0] < BOUNDED_WAIT and max(durations[1:]) < AT_ONCE, durations

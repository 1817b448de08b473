"""The settlement of every accepted mail fits into a bus message."""

from __future__ import annotations

from typing import get_type_hints

from services.delivery.handlers.record import settlement
from services.ingress.domain.envelope import octets, recipient
from services.ingress.settings import IngressSettings
from shared.events.mail import LARGEST_EVENT, Outcome
from shared.eventstore.event import encode
from shared.protocol.address.address import parse_address
from shared.protocol.smtp.commands import Rcpt

LONG = "the mailbox is full: " + "x" * 200


def test_the_outcome_of_few_recipients_is_complete() -> None:
    outcomes = (Outcome("ann@example.org", "bounced", LONG), Outcome("bob@example.org", "delivered"))
    assert settlement("q1", outcomes).outcomes == outcomes


def test_as_many_refused_copies_as_an_envelope_may_name_fit_the_bus() -> None:
    rcpt = Rcpt(parse_address("a@b.c"))
    hint = get_type_hints(IngressSettings, include_extras=True)["max_envelope_bytes"]
    count = next(meta.le for meta in hint.__metadata__) // octets(rcpt)
    outcomes = (Outcome(recipient(rcpt).address, "bounced", LONG),) * count
    event = settlement("q1", outcomes)
    assert count > 10_000 and len(encode(event)) <= LARGEST_EVENT
    assert {(outcome.recipient, outcome.result) for outcome in event.outcomes} == {("a@b.c", "bounced")}

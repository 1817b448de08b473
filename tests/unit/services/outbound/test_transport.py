"""What an attempt records when the store of this server fails while the mail is sent."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.outbound.adapters.transport import SmtpTransport
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import Cause, RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.sent import HopSignal
from services.outbound.domain.tls_demand import TlsDemand
from shared.blobs.errors import BlobError
from shared.events.outbound import OutboundQueued
from shared.eventstore.connection import StoreUnavailable

HOP = NextHop("mx.far.example", "mx far.example", "far.example", (HopAddress("mx.far.example", "192.0.2.1", 25),))
QUEUED = OutboundQueued("e1", "q1", "bob@far.example", 0, "g0001/b", b"", 7, "ann@example.org", "bob@far.example")


class FailingDemands:
    """Demands that cannot be decided."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def of(self, *_: object, **__: object) -> TlsDemand:
        raise self._error


class Message:
    """A message whose form is never asked for."""

    is_tls_optional = False


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailable("disk full"), "the database does not answer: disk full"),
        (BlobError("reading blob"), "the message cannot be read from the store: reading blob"),
    ],
)
async def test_a_fault_of_this_server_defers_the_mail_and_says_nothing_about_the_hop(
    error: Exception, reason: str
) -> None:
    transport = SmtpTransport(cast(Any, None), cast(Any, FailingDemands(error)), 60.0)
    mail = ReadyMail("q1", "far.example", "ann@example.org", (QueueEntry(QUEUED, 0, 0, 0),))
    sent = await transport.send(HOP, mail, cast(Any, Message()))
    assert sent.outcomes == {"e1": RecipientOutcome(SendingResult.DEFERRED, "4.3.0", reason, Cause.OURS)}
    assert sent.signal is HopSignal.SILENT

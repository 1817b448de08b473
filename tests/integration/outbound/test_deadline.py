"""An attempt ends at its deadline, and says whether the message may be delivered."""

from __future__ import annotations

import asyncio

import pytest

from services.outbound.adapters.connections import Connections, ConnectionSettings
from services.outbound.adapters.tls_contexts import contexts_for
from services.outbound.adapters.transport import SmtpTransport
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import Cause, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.schedule import AttemptTime
from services.outbound.domain.sent import HopSignal, SentMail
from services.outbound.domain.tls_demand import TlsDemand
from services.outbound.handlers.family_refusals import FamilyRefusals
from services.outbound.handlers.messages import PreparedMessage
from shared.clock import SystemClock
from shared.events.outbound import OutboundQueued
from shared.protocol.dkim.profile import BOTH
from shared.protocol.message.outgoing.message import OutgoingMessage
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from tests.parts.remote_server import SILENCE, RemoteServer

BODY = b"Subject: x\r\n\r\nHello.\r\n"
LARGE = b"Subject: x\r\n\r\n" + 200_000 * b"A line of a large message.\r\n"


class NothingIsDemanded:
    """Demands that ask for nothing."""

    async def of(self, *_: object, **__: object) -> TlsDemand:
        return TlsDemand()


async def sent_to(remote: RemoteServer, limit: AttemptTime, body: bytes = BODY) -> tuple[SentMail, bool]:
    """Send a mail to `remote`; returns the outcome, and whether the server asked for the message."""
    clock, taken = SystemClock(), asyncio.Event()
    connections = Connections(ConnectionSettings("mail.example.org", 5.0, 1.0, 10), contexts_for("TLSv1.2", clock))
    hop = NextHop("k", "mx far.example", "far.example", (HopAddress("mx.far.example", "127.0.0.1", remote.port),))
    queued = OutboundQueued("e1", "q1", "b@far.example", 0, "", b"", 7, "ann@example.org", "b@far.example")
    mail = ReadyMail("q1", "far.example", "ann@example.org", (QueueEntry(queued, 1, 1, 1),))
    message = PreparedMessage(OutgoingMessage(body, scan(body), ranges_of(body)), len(body), (), BOTH, 1)
    sent = await SmtpTransport(connections, NothingIsDemanded(), limit, FamilyRefusals(clock)).send(
        hop, mail, message, taken.set
    )
    await connections.close()
    return sent, taken.is_set()


@pytest.mark.parametrize(
    ("silent", "result", "signal"),
    [
        ("dot", SendingResult.PERHAPS_DELIVERED, HopSignal.SILENT),
        ("RCPT", SendingResult.DEFERRED, HopSignal.UNREACHABLE),
        ("greeting", SendingResult.DEFERRED, HopSignal.UNREACHABLE),
    ],
)
async def test_a_deadline_after_the_message_leaves_it_in_doubt(
    silent: str, result: SendingResult, signal: HopSignal
) -> None:
    async with RemoteServer(replies={silent: SILENCE}) as remote:
        sent, is_taken = await sent_to(remote, AttemptTime(0.5))
    assert (sent.outcomes["e1"].result, sent.signal, is_taken) == (result, signal, silent == "dot")


async def test_a_message_that_is_too_slow_is_deferred_alone() -> None:
    async with RemoteServer(reads_messages=False) as remote:
        sent, is_taken = await sent_to(remote, AttemptTime(0.5, 1_000_000_000), LARGE)
    assert (sent.outcomes["e1"].result, sent.outcomes["e1"].cause) == (SendingResult.DEFERRED, Cause.RECIPIENT)
    assert (sent.signal, is_taken) == (HopSignal.SILENT, True)


async def test_a_large_message_has_more_time_than_a_small_one() -> None:
    async with RemoteServer() as remote:
        sent, _ = await sent_to(remote, AttemptTime(0.0, 1), BODY)
    assert sent.outcomes["e1"].result is SendingResult.DELIVERED
    assert AttemptTime(60.0, 2_000).of(50_000_000) == 25_060.0

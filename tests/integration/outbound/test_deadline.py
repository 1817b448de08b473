"""An attempt ends at its deadline, and says whether the message may be delivered."""

from __future__ import annotations

import pytest

from services.outbound.adapters.connections import Connections, ConnectionSettings
from services.outbound.adapters.tls_contexts import contexts_for
from services.outbound.adapters.transport import SmtpTransport
from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.outcome import SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.tls_demand import TlsDemand
from services.outbound.handlers.messages import PreparedMessage
from shared.clock import SystemClock
from shared.events.outbound import OutboundQueued
from shared.protocol.dkim.profile import BOTH
from shared.protocol.message.outgoing.message import OutgoingMessage
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from tests.parts.remote_server import SILENCE, RemoteServer

BODY = b"Subject: x\r\n\r\nHello.\r\n"


class NothingIsDemanded:
    """Demands that ask for nothing."""

    async def of(self, *_: object, **__: object) -> TlsDemand:
        return TlsDemand()


@pytest.mark.parametrize(
    ("silent", "result"),
    [("dot", SendingResult.PERHAPS_DELIVERED), ("RCPT", SendingResult.DEFERRED), ("greeting", SendingResult.DEFERRED)],
)
async def test_a_deadline_after_the_message_leaves_it_in_doubt(silent: str, result: SendingResult) -> None:
    async with RemoteServer(replies={silent: SILENCE}) as remote:
        clock = SystemClock()
        connections = Connections(ConnectionSettings("mail.example.org", 5.0, 1.0, 10), contexts_for("TLSv1.2", clock))
        hop = NextHop("k", "mx far.example", "far.example", (HopAddress("mx.far.example", "127.0.0.1", remote.port),))
        queued = OutboundQueued("e1", "q1", "b@far.example", 0, "", b"", 7, "ann@example.org", "b@far.example")
        mail = ReadyMail("q1", "far.example", "ann@example.org", (QueueEntry(queued, 1, 1, 1),))
        message = PreparedMessage(OutgoingMessage(BODY, scan(BODY), ranges_of(BODY)), len(BODY), (), BOTH, 1)
        sent = await SmtpTransport(connections, NothingIsDemanded(), 0.5).send(hop, mail, message)
        await connections.close()
    assert sent.outcomes["e1"].result is result

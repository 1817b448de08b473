"""Servers that answer too much, too slowly or nonsense: each attempt ends, and what is kept of it is bounded."""

from __future__ import annotations

import pytest

from shared.events.outbound import OutboundBounced, OutboundDeferred, OutboundDelivered
from shared.eventstore.event import encode
from tests.integration.outbound.conftest import FAR, StartQueue, zone_of
from tests.integration.outbound.installation import Installation
from tests.parts.remote_server import SILENCE, RemoteServer

QUIET = {"outbound.retry_first": "600", "outbound.destination_first": "600"}
ENDLESS_LINE = b"220 " + b"x" * 3_000_000
ENDLESS_LINES = b"220-hello\r\n" * 200_000
NONSENSE = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("greeting", [ENDLESS_LINE, ENDLESS_LINES, NONSENSE, b"\0\xff\r\n"])
async def test_a_greeting_that_is_no_reply_defers_the_mail(start_queue: StartQueue, greeting: bytes) -> None:
    async with RemoteServer(replies={"greeting": greeting}) as remote:
        installation = await start_queue(remote, QUIET)
        (entry,) = await installation.enqueue("bob@far.example")
        deferred = await installation.until_event(entry, OutboundDeferred)
    assert deferred.cause == "destination"
    assert len(encode(deferred)) < 20_000


async def test_a_reply_with_control_characters_adds_no_field_to_the_report(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["RCPT"] = b"550-5.1.1 no\x1b[31m such\r\n550 5.1.1 user\rX-Evil: yes \xff\r\n"
    (entry,) = await installation.enqueue("bob@far.example")
    bounced = await installation.until_event(entry, OutboundBounced)
    assert bounced.reason.isprintable()
    (report,) = await installation.until_reported()
    text = await installation.report_text(report)
    assert b"\x1b" not in text
    assert b"\nX-Evil" not in text


async def test_a_silent_server_does_not_hold_up_another(start_queue: StartQueue) -> None:
    async with RemoteServer(address="127.0.0.3") as lively:
        zone = zone_of((FAR, "mx.far.example", 10, "127.0.0.3"), ("mute.example", "mx.mute.example", 10, "127.0.0.2"))
        async with RemoteServer(replies={"greeting": SILENCE}, address="127.0.0.2", port=lively.port) as mute:
            installation = await start_queue(lively, {"outbound.attempts_at_once": "8", **QUIET}, zone)
            for number in range(30):
                await installation.enqueue(f"bob{number}@mute.example")
            (entry,) = await installation.enqueue("bob@far.example")
            await installation.until_event(entry, OutboundDelivered)
            assert 0 < mute.most_open <= 2


async def test_a_reply_to_a_command_that_was_not_sent_ends_the_connection(
    installation: Installation, remote: RemoteServer
) -> None:
    remote.replies["EHLO"] = b"250 remote.example\r\n250 2.1.0 early\r\n250 2.1.5 early\r\n354 early\r\n250 taken\r\n"
    (entry,) = await installation.enqueue("bob@far.example")
    deferred = await installation.until_event(entry, OutboundDeferred)
    assert deferred.attempt.number == 1
    assert remote.mails == []

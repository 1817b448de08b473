"""IDLE (RFC 2177): waits until a doorbell arrives or the client sends something."""

from __future__ import annotations

import structlog

from services.access.commands.answer import done
from services.access.session.channel import SessionEnded
from services.access.session.ringing import ringing
from services.access.session.session import ImapSession
from services.access.session.sync import sync
from shared.clock import Clock
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.frame_event import ContinuationLine
from shared.protocol.imap.parse.session import ends_idle

log = structlog.get_logger("access")
_STILL_HERE = response.ok(response.UNTAGGED, "Still here")


async def idle(session: ImapSession, command: c.Idle) -> bytes:
    session.channel.framer.expect_line()
    session.channel.write(response.continuation(b"idling"))
    with ringing(session):
        line = await _report_until_command(session)
    if not ends_idle(line):
        return response.bad(command.tag, "Expected DONE")
    return done(command.tag, "IDLE")


async def _report_until_command(session: ImapSession) -> bytes:
    clock, settings = session.backend.clock, session.backend.settings
    end = clock.monotonic() + settings.idle_timeout
    keepalive = settings.keepalive or settings.idle_timeout
    while True:
        await _report(session)
        event = await session.channel.event_or_ring(min(keepalive, _left(clock, end)))
        if isinstance(event, ContinuationLine):
            return event.data
        if event is not None:
            raise SessionEnded("Expected DONE")
        if not session.channel.rung:
            session.channel.write(_STILL_HERE)


async def _report(session: ImapSession) -> None:
    """Report what changed. What cannot be read now is reported later: a refusal would end the client's IDLE unasked.

    Raises NotFound when the mailbox is gone.
    """
    try:
        await sync(session, expunge=True, unasked=True)
    except NotFound:
        raise
    except ServiceError as error:
        log.debug("access.idle_later", session=session.id, error=str(error))


def _left(clock: Clock, end: float) -> float:
    """The seconds that the client may still be silent. Raises SessionEnded when none are left."""
    left = end - clock.monotonic()
    if left <= 0:
        raise SessionEnded("You were silent for too long")
    return left

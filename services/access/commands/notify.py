"""NOTIFY (RFC 5465), and the notifications between the client's commands."""

from __future__ import annotations

import structlog

from services.access.commands.answer import done
from services.access.commands.fetch import fetch
from services.access.session.channel import SessionEnded
from services.access.session.known_mailboxes import KnownMailboxes
from services.access.session.notifications import Notifications
from services.access.session.notify_groups import NotifyGroups
from services.access.session.ringing import ringing
from services.access.session.session import ImapSession
from services.access.session.sync import sync
from shared.grpc.errors import NotFound, ServiceError
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.fetch import FetchItem
from shared.protocol.imap.frame_event import FrameEvent
from shared.protocol.imap.notify_command import ImapNotify, NotifyFilter
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.sequence import SequenceSet

log = structlog.get_logger("access")


async def notify(session: ImapSession, command: ImapNotify) -> bytes:
    """Set the events that the client is notified of; they replace those of the last NOTIFY (§3.1)."""
    groups = NotifyGroups(command.groups)
    known = KnownMailboxes(await session.mailboxes()) if groups.concerns_others else None
    most = session.backend.settings.notify_mailboxes
    if known is not None and len(known) > most:
        text = f"At most {most} mailboxes can be watched"
        return response.no(command.tag, text, Code.NOTIFICATIONOVERFLOW)
    session.notifications = Notifications(groups, known, _fetch_new)
    if command.status:
        await session.notifications.begin(session)
    return done(command.tag, "NOTIFY")


async def next_frame(session: ImapSession) -> FrameEvent:
    """The client's next frame. Until it comes, the client is sent the events that it has asked for.

    Raises SessionEnded, TimeoutError.
    """
    channel, clock = session.channel, session.backend.clock
    if session.notifications is None or session.notifications.is_silent:
        return await channel.event()
    end = clock.monotonic() + channel.silence()
    with ringing(session):
        while True:
            await _push(session)
            left = end - clock.monotonic()
            if left <= 0:
                raise TimeoutError
            event = await channel.event_or_ring(left)
            if event is not None:
                return await channel.counted(event)


async def _push(session: ImapSession) -> None:
    """Report what changed. Expunges wait for a command where the client has asked for that (§6.1)."""
    assert session.notifications is not None
    group = session.notifications.groups.selected
    try:
        await sync(session, expunge=group is not None and group.filter is NotifyFilter.SELECTED, unasked=True)
    except NotFound:
        raise SessionEnded("The selected mailbox is gone") from None
    except ServiceError as error:
        log.debug("access.notify_later", session=session.id, error=str(error))


async def _fetch_new(session: ImapSession, items: tuple[FetchItem, ...], first: int) -> None:
    """Report the items of new messages from a UID on (§5.2)."""
    last = session.mailbox.runs.largest
    if last >= first:
        await fetch(session, c.Fetch(response.UNTAGGED, SequenceSet(((first, last),)), items, uid=True))

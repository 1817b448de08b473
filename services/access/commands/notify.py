"""NOTIFY (RFC 5465), and the notifications between the client's commands."""

from __future__ import annotations

import structlog

from services.access.commands.answer import done
from services.access.commands.fetch import fetch
from services.access.session.channel import SessionEnded
from services.access.session.known_mailboxes import KnownMailboxes
from services.access.session.known_shared import KnownShared, TooManyOwners
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
    shared: KnownShared | None = None
    if known is not None and groups.may_concern_shared(session.backend.namespaces):
        shared = KnownShared(session.backend.settings.notify_owners)
    notifications = Notifications(groups, known, shared, _fetch_new)
    try:
        refusal = await _begin(session, known, shared)
    except BaseException:
        session.drop(notifications)
        raise
    if refusal:
        session.drop(notifications)
        return response.no(command.tag, refusal, Code.NOTIFICATIONOVERFLOW)
    notifications.start()
    session.notify(notifications)
    if command.status:
        await notifications.begin(session)
    return done(command.tag, "NOTIFY")


async def _begin(session: ImapSession, known: KnownMailboxes | None, shared: KnownShared | None) -> str:
    """Learn the state of the mailboxes of others; returns why they are too many, or an empty text."""
    settings = session.backend.settings
    if known is None:
        return ""
    if shared is not None:
        try:
            async for _state in shared.changes(session, known):
                pass
        except TooManyOwners:
            return f"The mailboxes of at most {settings.notify_owners} accounts can be watched"
    if len(known) + len(shared or ()) > settings.notify_mailboxes:
        return f"At most {settings.notify_mailboxes} mailboxes can be watched"
    return ""


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

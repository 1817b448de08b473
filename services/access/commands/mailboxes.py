"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, NAMESPACE."""

from __future__ import annotations

from services.access.commands.answer import done
from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.protocol.imap.response_code import Code, mailboxid


async def create(session: ImapSession, command: c.Create) -> bytes:
    """Create a mailbox (RFC 3501 §6.3.3), with a special use if given (RFC 6154 §3)."""
    if len(command.special_use) > 1:
        return response.no(command.tag, "A mailbox has one special use here", Code.USEATTR)
    place = await session.place(command.mailbox)
    with session.writing():
        made = await session.backend.mailstore.create(place.account, place.name, "".join(command.special_use))
    await _note(session, place.account)
    return response.ok(command.tag, "CREATE completed", mailboxid(made.id))  # RFC 8474 §4.1


async def delete(session: ImapSession, command: c.Delete) -> bytes:
    """Delete a mailbox (RFC 3501 §6.3.4). When it is the selected one, none is selected afterwards."""
    place = await session.place(command.mailbox)
    with session.writing():
        gone = await session.backend.mailstore.delete(place.account, place.name)
    await _note(session, place.account)
    if session.selected is not None and session.selected.id == gone.id:
        session.select(None)
        session.channel.write(response.ok(response.UNTAGGED, "The selected mailbox is deleted", Code.CLOSED))
    return done(command.tag, "DELETE")


async def rename(session: ImapSession, command: c.Rename) -> bytes:
    """Rename a mailbox (RFC 3501 §6.3.5)."""
    place, goal = await session.place(command.mailbox), await session.place(command.new_name)
    if goal.account != place.account:
        return response.no(command.tag, "A mailbox cannot be renamed into another account", Code.CANNOT)
    with session.writing():
        await session.backend.mailstore.rename(place.account, place.name, goal.name)
    await _note(session, place.account)
    if session.rev2:  # RFC 9051 §6.3.9.7
        session.channel.write(response.list_(command.new_name, old_name=command.mailbox, utf8=True))
    return done(command.tag, "RENAME")


async def subscribe(session: ImapSession, command: c.Subscribe) -> bytes:
    """Subscribe to a name (RFC 3501 §6.3.6), which need not be a mailbox."""
    await _subscribe(session, command.mailbox, subscribed=True)
    return done(command.tag, "SUBSCRIBE")


async def unsubscribe(session: ImapSession, command: c.Unsubscribe) -> bytes:
    """End a subscription (RFC 3501 §6.3.7)."""
    await _subscribe(session, command.mailbox, subscribed=False)
    return done(command.tag, "UNSUBSCRIBE")


async def namespace(session: ImapSession, command: c.Namespace) -> bytes:
    """Report the namespaces (RFC 2342); those of others only while sharing is on."""
    is_on = await session.backend.sharing.is_on(session.account)
    others, shared = ([(first + SEPARATOR, SEPARATOR)] if is_on else [] for first in session.backend.namespaces)
    session.channel.write(response.namespace([("", SEPARATOR)], others, shared, utf8=session.utf8))
    return done(command.tag, "NAMESPACE")


async def _subscribe(session: ImapSession, name: str, *, subscribed: bool) -> None:
    with session.writing():
        await session.backend.mailstore.subscribe(session.account, name, subscribed)
    await _note(session, session.account)


async def _note(session: ImapSession, account: str) -> None:
    """Let this session's next response show the change, without waiting for the doorbell."""
    if account == session.account:
        session.watch.note(await session.backend.mailstore.version(account))

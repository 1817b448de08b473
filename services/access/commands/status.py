"""STATUS, also as part of LIST."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.access.commands.answer import done
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.grpc.errors import NotFound
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import StatusItem
from shared.protocol.imap.response_code import Code
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_VALUES: dict[StatusItem, Callable[[pb.Mailbox], int | str]] = {
    StatusItem.MESSAGES: lambda mailbox: mailbox.messages,
    StatusItem.UIDNEXT: lambda mailbox: mailbox.uid_next,
    StatusItem.UIDVALIDITY: lambda mailbox: mailbox.uid_validity,
    StatusItem.UNSEEN: lambda mailbox: mailbox.unseen,
    StatusItem.SIZE: lambda mailbox: mailbox.size,
    StatusItem.DELETED: lambda mailbox: mailbox.deleted,
    StatusItem.MAILBOXID: lambda mailbox: mailbox.id,
}


async def status(session: ImapSession, command: c.Status) -> bytes:
    """Report the status of a mailbox (RFC 3501 §6.3.10)."""
    mailbox = await session.permitted(command.mailbox, "r")
    if mailbox is None:
        return response.no(command.tag, "There is no such mailbox", Code.NONEXISTENT)
    session.channel.write(await status_line(session, mailbox, command.items))
    return done(command.tag, "STATUS")


async def status_line(session: ImapSession, mailbox: pb.Mailbox, items: Sequence[StatusItem]) -> bytes:
    """The STATUS response for one mailbox. Raises ServiceError."""
    if StatusItem.HIGHESTMODSEQ in items:
        session.enable_condstore()  # RFC 7162 §3.1
    values = {item: await _value(session, mailbox, item) for item in items}
    return response.status(mailbox.name, values, utf8=session.utf8)


async def _value(session: ImapSession, mailbox: pb.Mailbox, item: StatusItem) -> int | str:
    match item:
        case StatusItem.APPENDLIMIT:
            return session.backend.settings.append_limit
        case StatusItem.RECENT:
            return session.backend.recents.count(mailbox.id, mailbox.uid_next, mailbox.messages)
        case StatusItem.HIGHESTMODSEQ:
            return _highest_modseq(session.selected, mailbox)
        case StatusItem.DELETED_STORAGE:
            return await _deleted_storage(session, mailbox)
        case _:
            return _VALUES[item](mailbox)


async def _deleted_storage(session: ImapSession, mailbox: pb.Mailbox) -> int:
    """DELETED-STORAGE (RFC 9208) in octets, as other servers report it.

    It is left out when the mailbox has been deleted meanwhile.
    """
    if not mailbox.deleted:
        return 0
    try:
        place = await session.place(mailbox.name)
        return await session.backend.mailstore.deleted_size(place.account, mailbox.id)
    except NotFound:
        return 0


def _highest_modseq(selected: Selected | None, mailbox: pb.Mailbox) -> int:
    """HIGHESTMODSEQ (RFC 7162 §3.1.7).

    For the selected mailbox it never exceeds what the client was notified of, because the client may store it.
    """
    if selected is None or selected.id != mailbox.id:
        return mailbox.highest_modseq
    return min(mailbox.highest_modseq, selected.known_version)

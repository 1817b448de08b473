"""The mailboxes of others among the names that LIST and LSUB show."""

from __future__ import annotations

from services.access.session.session import ImapSession
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2


async def with_shared(session: ImapSession, own: pb.MailboxList) -> pb.MailboxList:
    """The account's own mailboxes together with those of others that it sees, under their full names.

    Own mailboxes below the first level of a namespace cannot be reached while sharing is on, and are left out. Raises
    ServiceError.
    """
    shared = await session.backend.sharing.shared(session.account)
    if shared.off:
        return own
    spaces = session.backend.namespaces
    mine = [mailbox for mailbox in own.mailboxes if spaces.foreign(mailbox.name) is None]
    theirs = [mailbox for owner in shared.owners for mailbox in _of(owner, spaces.root(owner.name, group=owner.group))]
    if not theirs and len(mine) == len(own.mailboxes):
        return own
    await session.backend.turns.spend(keys=6 * len(theirs))
    return pb.MailboxList(mailboxes=[*mine, *theirs], version=own.version, subscriptions=own.subscriptions)


def _of(owner: sharing_pb2.SharedOwner, root: str) -> list[pb.Mailbox]:
    return [
        pb.Mailbox(id=mailbox.id, name=f"{root}{SEPARATOR}{mailbox.name}", rights=mailbox.rights)
        for mailbox in owner.mailboxes
    ]

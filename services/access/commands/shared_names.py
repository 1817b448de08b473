"""The mailboxes of others among the names that LIST and LSUB show."""

from __future__ import annotations

from services.access.session.session import ImapSession
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2


async def with_shared(session: ImapSession, own: pb.MailboxList) -> pb.MailboxList:
    """The account's own mailboxes together with those of others that it sees, under their full names.

    An own mailbox with the name of another's comes first. Raises ServiceError.
    """
    shared = await session.backend.sharing.shared(session.account)
    if shared.off:
        return own
    spaces = session.backend.namespaces
    theirs = [mailbox for owner in shared.owners for mailbox in _of(owner, spaces.root(owner.name, group=owner.group))]
    if not theirs:
        return own
    mine = {mailbox.name for mailbox in own.mailboxes if spaces.foreign(mailbox.name) is not None}
    theirs = [mailbox for mailbox in theirs if mailbox.name not in mine]
    await session.backend.turns.spend(keys=6 * len(theirs))
    return pb.MailboxList(mailboxes=[*own.mailboxes, *theirs], version=own.version, subscriptions=own.subscriptions)


def _of(owner: sharing_pb2.SharedOwner, root: str) -> list[pb.Mailbox]:
    return [
        pb.Mailbox(id=mailbox.id, name=f"{root}{SEPARATOR}{mailbox.name}", rights=mailbox.rights)
        for mailbox in owner.mailboxes
    ]

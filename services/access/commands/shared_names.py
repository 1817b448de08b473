"""The mailboxes of others among the names that LIST and LSUB show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.access.session.session import ImapSession
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import sharing_pb2

_NAMES_A_TURN, _A_NAME = 1000, 10
"""Names that are made in one turn of the event loop, and the cost of one, in keys compared."""


async def with_shared(session: ImapSession, own: pb.MailboxList) -> pb.MailboxList:
    """The account's own mailboxes together with those of others that it sees, under their full names.

    An own mailbox with the name of another's comes first. Raises ServiceError.
    """
    shared = await session.backend.sharing.shared(session.account)
    if shared.off:
        return own
    spaces = session.backend.namespaces
    if not any(owner.mailboxes for owner in shared.owners):
        return own
    mine = {mailbox.name for mailbox in own.mailboxes if spaces.foreign(mailbox.name) is not None}
    together = pb.MailboxList(mailboxes=own.mailboxes, version=own.version, subscriptions=own.subscriptions)
    for owner in shared.owners:
        root = spaces.root(owner.name, group=owner.group)
        for at in range(0, len(owner.mailboxes), _NAMES_A_TURN):
            page = owner.mailboxes[at : at + _NAMES_A_TURN]
            together.mailboxes.extend([mailbox for mailbox in _of(page, root) if mailbox.name not in mine])
            await session.backend.turns.spend(keys=_A_NAME * len(page))
    return together


def _of(page: Iterable[sharing_pb2.SharedMailbox], root: str) -> Iterator[pb.Mailbox]:
    for mailbox in page:
        yield pb.Mailbox(id=mailbox.id, name=f"{root}{SEPARATOR}{mailbox.name}", rights=mailbox.rights)

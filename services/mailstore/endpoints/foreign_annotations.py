"""Annotations of mailboxes of other accounts (RFC 5464 §4.2, §4.3, with the rights of RFC 4314).

Everybody who may read a mailbox has private annotations of it. What everybody sees is set with `w`; only the owner says
which script runs in a mailbox, because it runs in the owner's name, and whether \\Seen is each user's own there.
"""

from __future__ import annotations

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.endpoints.session_guard import Behaviour
from services.mailstore.handlers.access_lists import NOT_PERMITTED, demand
from services.mailstore.handlers.annotations import AnnotationCommands
from services.mailstore.handlers.checked_store import checking
from services.mailstore.handlers.held_rights import HeldRights, Holders
from shared.eventstore.store import EventStore
from shared.grpc.call import current_provenance, session_account
from shared.grpc.errors import Denied
from shared.protocol.imap.entry_name import SEEN_ENTRY, SHARED, Depth
from shared.rpc.mailfold.mailstore.v1 import annotations_pb2 as pb

_DEPTHS = {
    pb.ListAnnotationsRequest.EXACT: Depth.EXACT,
    pb.ListAnnotationsRequest.CHILDREN: Depth.CHILDREN,
    pb.ListAnnotationsRequest.ALL: Depth.ALL,
}
_OWNERS_ALONE = f"{SHARED}imapsieve", SEEN_ENTRY


class ForeignAnnotations:
    """The rules for both calls."""

    def __init__(self, store: EventStore, holders: Holders, commands: AnnotationCommands) -> None:
        self._store = store
        self._holders = holders
        self._commands = commands

    async def listed(self, request: pb.ListAnnotationsRequest, behaviour: Behaviour) -> pb.AnnotationList:
        """GETMETADATA needs `r`."""
        most = request.most_octets if request.HasField("most_octets") else None
        held = await self._held(request.account, request.mailbox, "r")
        with as_contract_errors():
            answered = await self._commands.listed_of_other(
                session_account(), request.account, held.mailbox, list(request.entries), _DEPTHS[request.depth], most
            )
        annotations = [pb.Annotation(entry=entry, value=value) for entry, value in answered.annotations]
        return pb.AnnotationList(annotations=annotations, longest=answered.longest)

    async def change(self, request: pb.SetAnnotationsRequest, behaviour: Behaviour) -> pb.SetAnnotationsReply:
        """SETMETADATA needs `r`, and `w` for what everybody sees."""
        given = [(given.entry, given.value if given.HasField("value") else None) for given in request.annotations]
        names = [entry.lower() for entry, _ in given]
        needed = "rw" if any(name.startswith(SHARED) for name in names) else "r"
        held = await self._held(request.account, request.mailbox, needed)
        with as_contract_errors():
            if any(name.startswith(_OWNERS_ALONE) for name in names):
                raise MailboxRefused("NOPERM", NOT_PERMITTED)
            account, owner = session_account(), request.account
            with checking(lambda tx: demand(self._holders.by_id(tx, account, owner, held.mailbox), needed, "")):
                version, changed = await self._commands.change_of_other(
                    account, owner, held.mailbox, given, current_provenance()
                )
        return pb.SetAnnotationsReply(version=version, changed=changed)

    async def changed(self, request: pb.ListAnnotationChangesRequest, behaviour: Behaviour) -> pb.AnnotationChangeList:
        """What everybody sees of the mailboxes for which the session has `l` and `r`."""
        account, owner = session_account(), request.account
        shared = await self._store.read(lambda reader: self._holders.of_mailboxes(reader, account, owner))
        readable = {mailbox.mailbox for mailbox in shared if {"l", "r"} <= set(mailbox.rights)}
        if not shared:
            raise Denied(NOT_PERMITTED, "NOPERM")
        reply: pb.AnnotationChangeList = await behaviour(request, None)
        seen = pb.AnnotationChangeList(version=reply.version)
        for change in reply.changes if readable else ():
            entries = [entry for entry in change.entries if entry.startswith(SHARED)]
            if change.id in readable and entries:
                seen.changes.add(mailbox=change.mailbox, id=change.id, entries=entries)
        return seen

    async def _held(self, owner: str, name: str, rights: str) -> HeldRights:
        account = session_account()
        held = await self._store.read(lambda reader: self._holders.by_name(reader, account, owner, name))
        with as_contract_errors():
            return demand(held, rights, name)

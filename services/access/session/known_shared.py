"""The mailboxes of other accounts as a client of NOTIFY was last notified of them (RFC 5465, RFC 4314)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from services.access.session.known_mailboxes import KnownMailbox, KnownMailboxes, MailboxDifference
from services.access.session.versions import Wake, Watch
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2, sharing_pb2

if TYPE_CHECKING:
    from services.access.session.session import ImapSession

_MAILBOXES_A_PAGE = 200
_A_MAILBOX = 10
"""The cost of taking a mailbox from an answer, in keys compared."""


class TooManyOwners(Exception):
    """More accounts share mailboxes with this one than a session may watch."""


class _WatchedOwner(NamedTuple):
    watch: Watch
    known: KnownMailboxes


class KnownShared:
    """The mailboxes for which the account has `l`, and the watched versions of their owners.

    `release` must be called when it is not used any more.
    """

    def __init__(self, most_owners: int) -> None:
        self._most = most_owners
        self._owners: dict[str, _WatchedOwner] = {}
        self._rights = -1
        self._ring: Wake | None = None

    def __len__(self) -> int:
        """The number of mailboxes."""
        return sum(len(owner.known) for owner in self._owners.values())

    def __iter__(self) -> Iterator[tuple[str, KnownMailbox]]:
        """The mailboxes with their ids."""
        for owner in list(self._owners.values()):
            yield from owner.known

    def of(self, identity: str) -> KnownMailbox | None:
        """The mailbox with this id."""
        return next((known for owner in self._owners.values() if (known := owner.known.of(identity))), None)

    def versions(self) -> dict[str, int]:
        """The version of each owner of which everything is known."""
        return {account: owner.known.version for account, owner in self._owners.items()}

    def ring_with(self, ring: Wake | None) -> None:
        """Ring at each new version of an owner; with None, no more."""
        for owner in self._owners.values():
            self._quiet(owner.watch)
            if ring is not None:
                owner.watch.idle.add(ring)
        self._ring = ring

    def release(self) -> list[Watch]:
        """End; returns the watches, which must be left."""
        self.ring_with(None)
        watches = [owner.watch for owner in self._owners.values()]
        self._owners.clear()
        return watches

    async def changes(self, session: ImapSession, own: KnownMailboxes) -> AsyncIterator[MailboxDifference]:
        """Look again where something may have changed; yields how the mailboxes differ.

        `own`: the account's mailboxes, which hide those of others that have the same names.

        Raises ServiceError, TooManyOwners.
        """
        versions = session.backend.versions
        if self._rights != versions.rights or not versions.trusted:
            rights = versions.rights
            shared = await session.backend.sharing.states(session.account)
            if len(shared.owners) > self._most:
                raise TooManyOwners
            async for difference in self._take_all(session, shared, own.names_in(session.backend.namespaces)):
                yield difference
            self._rights = rights
            return
        changed = [account for account, owner in self._owners.items() if owner.known.version < owner.watch.version]
        own_names = own.names_in(session.backend.namespaces) if changed else ()
        for account in changed:
            shared = await session.backend.sharing.states(session.account, account)
            async for difference in self._take(session, account, shared.owners, own_names):
                yield difference

    async def _take_all(
        self, session: ImapSession, shared: sharing_pb2.SharedList, own_names: Collection[str]
    ) -> AsyncIterator[MailboxDifference]:
        there = {owner.account: owner for owner in shared.owners}
        for account in dict.fromkeys((*self._owners, *there)):
            listed = [there[account]] if account in there else []
            async for difference in self._take(session, account, listed, own_names):
                yield difference

    async def _take(
        self,
        session: ImapSession,
        account: str,
        listed: Collection[sharing_pb2.SharedOwner],
        own_names: Collection[str],
    ) -> AsyncIterator[MailboxDifference]:
        """Take what an owner shares now, which is nothing when `listed` is empty."""
        present = set[str]()
        for shared in listed:
            owner = await self._watched(session, account)
            root = session.backend.namespaces.root(shared.name, group=shared.group)
            for at in range(0, len(shared.mailboxes), _MAILBOXES_A_PAGE):
                page = [_full(mailbox, root) for mailbox in shared.mailboxes[at : at + _MAILBOXES_A_PAGE]]
                page = [mailbox for mailbox in page if mailbox.name not in own_names]
                present.update(mailbox.id for mailbox in page)
                await session.backend.turns.spend(keys=_A_MAILBOX * len(page))
                for difference in owner.known.take(page, ()):
                    yield difference
            owner.known.version = max(owner.known.version, shared.version)
            owner.watch.note(shared.version)
        if account in self._owners:
            for difference in self._owners[account].known.take_gone(present):
                yield difference
            if not listed:
                await self._leave(session, account)

    async def _watched(self, session: ImapSession, account: str) -> _WatchedOwner:
        if account not in self._owners:
            watch = await session.backend.versions.watch(account)
            self._owners[account] = _WatchedOwner(watch, KnownMailboxes(mailstore_pb2.MailboxList()))
            if self._ring is not None:
                watch.idle.add(self._ring)
        return self._owners[account]

    async def _leave(self, session: ImapSession, account: str) -> None:
        watch = self._owners.pop(account).watch
        if session.selected is None or session.selected.watch is not watch:
            self._quiet(watch)
        await session.backend.versions.leave(watch)

    def _quiet(self, watch: Watch) -> None:
        if self._ring is not None:
            watch.idle.discard(self._ring)


def _full(mailbox: sharing_pb2.SharedMailbox, root: str) -> mailstore_pb2.Mailbox:
    return mailstore_pb2.Mailbox(
        id=mailbox.id,
        name=f"{root}{SEPARATOR}{mailbox.name}",
        rights=mailbox.rights,
        uid_validity=mailbox.uid_validity,
        uid_next=mailbox.uid_next,
        messages=mailbox.messages,
        unseen=mailbox.unseen,
        highest_modseq=mailbox.highest_modseq,
    )

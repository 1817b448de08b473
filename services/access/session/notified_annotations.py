"""Which annotations of mailboxes changed since a client of NOTIFY was last notified (RFC 5465 §5.6, §5.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from services.access.session.known_mailboxes import OWN_FILTERS, KnownMailboxes
from services.access.session.known_shared import KnownShared
from shared.grpc.errors import Denied
from shared.protocol.imap.notify_command import NotifyFilter
from shared.rpc.mailfold.mailstore.v1 import annotations_pb2 as pb

if TYPE_CHECKING:
    from services.access.session.session import ImapSession


class AnnotatedMailbox(NamedTuple):
    """A mailbox of which entries changed."""

    name: str
    """Empty: the server."""
    filters: frozenset[NotifyFilter]
    entries: list[str]


class NotifiedAnnotations:
    """The versions of accounts up to which the client knows all changes of annotations."""

    def __init__(self, known: KnownMailboxes | None) -> None:
        self._own = known.version if known is not None else 0
        self._others: dict[str, int] = {}

    def begin(self, shared: KnownShared | None) -> None:
        """Notify of what changes from now on. Whose mailboxes come later is notified of from then on."""
        for account, version in (shared.versions() if shared is not None else {}).items():
            self._others.setdefault(account, version)

    async def of_account(self, session: ImapSession, shared: KnownShared | None) -> AsyncIterator[AnnotatedMailbox]:
        """What changed in the account: its mailboxes, the server, and its private entries of mailboxes of others.

        Raises ServiceError.
        """
        changes = await session.backend.annotations.changes(session.account, self._own)
        for changed in changes.changes:
            if changed.mailbox or not changed.id:
                yield AnnotatedMailbox(changed.mailbox, OWN_FILTERS, list(changed.entries))
            else:
                for annotated in _of_shared(changed, shared):
                    yield annotated
        self._own = max(changes.version, self._own)

    async def of_others(self, session: ImapSession, shared: KnownShared) -> AsyncIterator[AnnotatedMailbox]:
        """What everybody sees of mailboxes that others share. Raises ServiceError."""
        self.begin(shared)
        versions = shared.versions()
        self._others = {account: since for account, since in self._others.items() if account in versions}
        for account, version in versions.items():
            if self._others[account] >= version:
                continue
            try:
                changes = await session.backend.annotations.changes(account, self._others[account])
            except Denied:  # the account has just ended to share
                continue
            for changed in changes.changes:
                for annotated in _of_shared(changed, shared):
                    yield annotated
            self._others[account] = max(version, changes.version)


def _of_shared(changed: pb.ChangedEntries, shared: KnownShared | None) -> list[AnnotatedMailbox]:
    mailbox = shared.of(changed.id) if shared is not None else None
    if mailbox is None or not mailbox.is_readable:
        return []
    return [AnnotatedMailbox(mailbox.name, mailbox.filters, list(changed.entries))]

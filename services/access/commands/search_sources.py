"""The mailboxes that ESEARCH searches, each of them once (RFC 7377 §2.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from services.access.commands.shared_names import with_shared
from services.access.session.owned_name import has_right
from services.access.session.session import ImapSession
from shared.grpc.errors import NotFound
from shared.protocol.imap.mailbox_filter import MailboxFilter, MailboxScope
from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_A_NAME = 4
"""The cost of comparing a name, in keys compared."""


class SearchSource(NamedTuple):
    """A mailbox to search."""

    account: str
    """The account that owns it."""
    owner_name: str
    """Its name there."""
    name: str
    """Its name for the client."""
    id: str
    uid_validity: int


async def search_sources(session: ImapSession, filters: Sequence[MailboxFilter]) -> AsyncIterator[SearchSource]:
    """The mailboxes that the filters choose. Those that do not exist, and those that may not be read, are skipped
    silently."""
    seen = set[str]()
    for chosen in filters:
        async for source in _chosen(session, chosen):
            if source.id not in seen:
                seen.add(source.id)
                yield source


_ALL = "\\All"
"""All Mail shows the messages of the other mailboxes: it is searched when it is named, and not with them again."""


async def selected_source(session: ImapSession) -> SearchSource:
    """The selected mailbox. Raises NotFound when it is gone."""
    selected = session.mailbox
    mailbox = await session.backend.mailstore.mailbox_by_id(selected.account, selected.id)
    if mailbox is None:
        raise NotFound("the selected mailbox is gone", "NONEXISTENT")
    name = mailbox.name if selected.account == session.account else selected.name
    return SearchSource(selected.account, mailbox.name, name, selected.id, selected.uid_validity)


async def _chosen(session: ImapSession, chosen: MailboxFilter) -> AsyncIterator[SearchSource]:
    match chosen.scope:
        case MailboxScope.SELECTED | MailboxScope.SELECTED_DELAYED:
            yield await selected_source(session)
        case MailboxScope.PERSONAL | MailboxScope.INBOXES:
            for mailbox in await _visible(session):
                if not mailbox.rights and mailbox.special_use != _ALL:
                    yield _own(session, mailbox)
        case MailboxScope.SUBSCRIBED:
            for name in (await session.mailboxes()).subscriptions:
                async for source in _named(session, name):
                    yield source
        case MailboxScope.MAILBOXES:
            for name in chosen.names:
                async for source in _named(session, name):
                    yield source
        case MailboxScope.SUBTREE | MailboxScope.CHILDREN:
            for name in chosen.names:
                async for source in _below(session, name, deep=chosen.scope is MailboxScope.SUBTREE):
                    yield source


async def _below(session: ImapSession, root: str, *, deep: bool) -> AsyncIterator[SearchSource]:
    """The mailbox of a name and those below it; unless `deep`, only those directly below it (RFC 5465 §6.5, §6.6)."""
    async for source in _named(session, root):
        yield source
    prefix = root + SEPARATOR
    for mailbox in await _visible(session):
        await session.backend.turns.spend(keys=_A_NAME)
        if not mailbox.name.startswith(prefix) or (not deep and SEPARATOR in mailbox.name[len(prefix) :]):
            continue
        if mailbox.rights:
            async for source in _named(session, mailbox.name):
                yield source
        else:
            yield _own(session, mailbox)


async def _visible(session: ImapSession) -> Sequence[pb.Mailbox]:
    """The mailboxes that LIST shows; those of others have rights."""
    return (await with_shared(session, await session.mailboxes())).mailboxes


async def _named(session: ImapSession, name: str) -> AsyncIterator[SearchSource]:
    """The mailbox of a name; nothing when it is missing or may not be read, which makes no difference."""
    mailbox = await session.find_mailbox(name)
    if mailbox is None or not has_right(mailbox, "r"):
        return
    try:
        place = await session.place(name)
    except NotFound:  # it is no longer shared
        return
    yield SearchSource(place.account, place.name, name, mailbox.id, mailbox.uid_validity)


def _own(session: ImapSession, mailbox: pb.Mailbox) -> SearchSource:
    return SearchSource(session.account, mailbox.name, mailbox.name, mailbox.id, mailbox.uid_validity)

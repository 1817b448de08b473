"""What a client is notified of that has asked for events with NOTIFY (RFC 5465)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING

from services.access.session.known_mailboxes import OWN_FILTERS, KnownMailbox, KnownMailboxes, MailboxDifference
from services.access.session.known_shared import KnownShared, TooManyOwners
from services.access.session.notified_annotations import AnnotatedMailbox, NotifiedAnnotations
from services.access.session.notify_groups import NotifyGroups
from shared.protocol.imap import response
from shared.protocol.imap.commands import StatusItem
from shared.protocol.imap.fetch import FetchItem
from shared.protocol.imap.notify_command import NEW_AND_EXPUNGE, NotifyEvent
from shared.protocol.imap.response_code import Code

if TYPE_CHECKING:
    from services.access.session.session import ImapSession
    from services.access.session.versions import Watch

FetchNew = Callable[["ImapSession", tuple[FetchItem, ...], int], Awaitable[None]]
"""Reports items of the new messages from a UID on."""
_A_DIFFERENCE = 40
"""The cost of comparing a mailbox and of reporting it, in keys compared."""


class Notifications:
    """The events that a session has asked for, and what its client knows. What changed in between is reported as one
    change, so a client that reads slowly makes nothing grow."""

    def __init__(
        self, groups: NotifyGroups, known: KnownMailboxes | None, shared: KnownShared | None, fetch_new: FetchNew
    ) -> None:
        self.groups = groups
        self.fetch_new = fetch_new
        self.shared = shared
        """The mailboxes of other accounts; None: no group concerns them."""
        self._known = known
        self._annotations = NotifiedAnnotations(known)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is to be reported, after NOTIFY NONE."""
        return self._known is None and not self.selected_events

    @property
    def selected_events(self) -> frozenset[NotifyEvent]:
        """The events of the selected mailbox that are asked for."""
        return self.groups.selected.events if self.groups.selected is not None else frozenset()

    def start(self) -> None:
        """Notify of what changes from now on, when the state of all mailboxes is known."""
        self._annotations.begin(self.shared)

    async def begin(self, session: ImapSession) -> None:
        """Report the STATUS of each mailbox whose messages are watched and which is not selected (§3.1)."""
        for identity, mailbox in chain(self._known or (), self.shared or ()):
            await session.backend.turns.spend(keys=_A_DIFFERENCE)
            events = self._events_of(mailbox)
            if mailbox.is_readable and events >= NEW_AND_EXPUNGE and not _is_selected(session, identity):
                session.channel.write(_status(session, mailbox, events))
                await session.channel.spill()

    async def report(self, session: ImapSession) -> None:
        """Report what changed since the last report. Raises ServiceError."""
        known, trusted = self._known, session.backend.versions.trusted
        if known is None:
            return
        if known.version < session.watch.version or not trusted:
            await self._report_own(session, known)
        is_over = not await self._report_shared(session, known)
        if is_over or len(known) + len(self.shared or ()) > session.backend.settings.notify_mailboxes:
            await self._overflow(session)

    def release(self) -> list[Watch]:
        """End; returns the watches of other accounts, which must be left."""
        return self.shared.release() if self.shared is not None else []

    async def _report_own(self, session: ImapSession, known: KnownMailboxes) -> None:
        changes = await session.backend.mailstore.changed_mailboxes(session.account, known.version)
        if changes.whole:
            await self._take_all(session, known)
        else:
            named = [(change.name, change.subscribed) for change in changes.subscriptions]
            await self._report_subscriptions(session, known.take_subscriptions(named))
            await self._report_mailboxes(session, known.take(changes.mailboxes, changes.gone))
            known.version = changes.version
        session.watch.note(known.version)
        await self._report_annotations(session)

    async def _report_shared(self, session: ImapSession, known: KnownMailboxes) -> bool:
        """Report what changed in mailboxes of other accounts; False when too many accounts share some."""
        if self.shared is None:
            return True
        try:
            async for change in self.shared.changes(session, known):
                await self._report_mailboxes(session, [change])
        except TooManyOwners:
            return False
        if self.groups.of_metadata:
            async for annotated in self._annotations.of_others(session, self.shared):
                await self._report_entries(session, annotated)
        return True

    async def _take_all(self, session: ImapSession, known: KnownMailboxes) -> None:
        everything = await session.backend.mailstore.mailboxes(session.account)
        await self._report_subscriptions(session, known.take_all_subscriptions(everything.subscriptions))
        await self._report_mailboxes(session, known.take_all(everything))
        known.version = everything.version

    async def _overflow(self, session: ImapSession) -> None:
        """End the notifications, because the account has too many mailboxes now (§5.8)."""
        text = "There are too many mailboxes to watch"
        session.channel.write(response.ok(response.UNTAGGED, text, Code.NOTIFICATIONOVERFLOW))
        for watch in self.release():
            await session.backend.versions.leave(watch)
        self.groups, self._known, self.shared = NotifyGroups(()), None, None

    def _events_of(self, mailbox: KnownMailbox) -> frozenset[NotifyEvent]:
        assert self._known is not None
        return self.groups.events_of(mailbox, subscribed=mailbox.name in self._known.subscriptions)

    async def _report_subscriptions(self, session: ImapSession, changes: Iterable[tuple[str, bool]]) -> None:
        for name, subscribed in changes:
            await session.backend.turns.spend(keys=_A_DIFFERENCE)
            # a name that has just been unsubscribed was in the group of subscribed names
            if NotifyEvent.SUBSCRIPTION_CHANGE in self.groups.events_of_name(name, OWN_FILTERS, subscribed=True):
                attributes = ("\\Subscribed",) if subscribed else ()
                session.channel.write(response.list_(name, attributes, utf8=session.utf8))
                await session.channel.spill()

    async def _report_mailboxes(self, session: ImapSession, changes: Iterable[MailboxDifference]) -> None:
        for change in changes:
            await session.backend.turns.spend(keys=_A_DIFFERENCE)
            session.channel.write(self._name_line(session, change) + self._status_line(session, change))
            await session.channel.spill()

    def _name_line(self, session: ImapSession, change: MailboxDifference) -> bytes:
        """LIST for a mailbox that was created, deleted or renamed (§5.4)."""
        states = (change.before, change.now)
        before, now = (state.name if state is not None else "" for state in states)
        if before == now or not any(
            state is not None and NotifyEvent.MAILBOX_NAME in self._events_of(state) for state in states
        ):
            return b""
        if not now:
            return response.list_(before, ("\\NonExistent",), utf8=session.utf8)
        return response.list_(now, utf8=session.utf8, old_name=before)

    def _status_line(self, session: ImapSession, change: MailboxDifference) -> bytes:
        """STATUS for a mailbox whose messages changed, unless it is selected (§5.1, §5.2, §5.3)."""
        if change.now is None or not change.now.is_readable or _is_selected(session, change.id):
            return b""
        events = self._events_of(change.now)
        differs = change.has_changed if NotifyEvent.FLAG_CHANGE in events else change.has_messages_changed
        return _status(session, change.now, events) if differs and events >= NEW_AND_EXPUNGE else b""

    async def _report_annotations(self, session: ImapSession) -> None:
        """Name the annotations that changed (§5.6, §5.7)."""
        if self.groups.of_server or self.groups.of_metadata:
            async for annotated in self._annotations.of_account(session, self.shared):
                await self._report_entries(session, annotated)

    async def _report_entries(self, session: ImapSession, annotated: AnnotatedMailbox) -> None:
        groups, name = self.groups, annotated.name
        is_subscribed = self._known is not None and name in self._known.subscriptions
        events = groups.events_of_name(name, annotated.filters, subscribed=is_subscribed)
        if groups.of_server if not name else NotifyEvent.MAILBOX_METADATA_CHANGE in events:
            session.channel.write(response.metadata_changed(name, annotated.entries, utf8=session.utf8))
            await session.channel.spill()


def _is_selected(session: ImapSession, identity: str) -> bool:
    return session.selected is not None and session.selected.id == identity


def _status(session: ImapSession, mailbox: KnownMailbox, events: frozenset[NotifyEvent]) -> bytes:
    """STATUS with what the client must know to fetch what is new (§3.1, §5)."""
    values: dict[StatusItem, int | str] = {
        StatusItem.MESSAGES: mailbox.messages,
        StatusItem.UIDNEXT: mailbox.uid_next,
        StatusItem.UIDVALIDITY: mailbox.uid_validity,
    }
    if NotifyEvent.FLAG_CHANGE in events:
        values[StatusItem.UNSEEN] = mailbox.unseen
    if session.condstore:
        values[StatusItem.HIGHESTMODSEQ] = mailbox.modseq
    return response.status(mailbox.name, values, utf8=session.utf8)

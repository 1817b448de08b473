"""One IMAP session."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable

from services.access.session.account_session import AccountSession
from services.access.session.backend import ImapDependencies
from services.access.session.channel import ImapChannel, within
from services.access.session.notifications import Notifications
from services.access.session.owned_name import OwnedName, has_right
from services.access.session.selected import Selected
from services.access.session.versions import Watch
from shared.grpc.errors import Denied, NotFound, ServiceError
from shared.protocol.imap import response
from shared.protocol.imap.frame_event import BEFORE_LOGIN
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.response_code import highestmodseq
from shared.protocol.imap.sequence import SequenceSet
from shared.protocol.imap.state import ImapState
from shared.routing.log_ins import LogIn
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_FEW_MAILBOXES = 200
"""Number of mailboxes up to which an account's whole list is read again."""


class ImapSession(AccountSession):
    """The state of a session between commands."""

    def __init__(
        self, backend: ImapDependencies, channel: ImapChannel, address: str, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(backend.log_ins, channel, address)
        self.backend = backend
        self.channel = channel
        self.tls = tls
        self.is_secure = tls is None
        """Whether TLS is active."""
        self.client: dict[str, str] = {}
        """What the client has said of itself in ID (RFC 2971)."""
        self.owner = ""
        """The address of the account; empty before the log-in."""
        self.afterwards: Callable[[], Awaitable[None]] | None = None
        """What follows the tagged response of the present command."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Know nothing of an account."""
        self.state = ImapState.NOT_AUTHENTICATED
        self.rev2 = False
        """Whether the client has enabled IMAP4rev2 (RFC 9051 §6.3.1)."""
        self.utf8_accept = False
        """Whether the client has enabled UTF8=ACCEPT (RFC 9755 §3)."""
        self.uid_only = False
        """Whether the client has enabled UIDONLY, so that it knows no sequence numbers (RFC 9586)."""
        self.condstore = False
        self.qresync = False
        self.metadata_version: int | None = None
        """The version up to which the client knows which annotations were changed; None: it has not enabled METADATA
        (RFC 5464 §4.1)."""
        self.notifications: Notifications | None = None
        """What the client has asked for with NOTIFY; None: it has not, and hears of the selected mailbox alone."""
        self.selected: Selected | None = None
        self.saved = NumberSet()
        """The UIDs of the last saved search, which `$` refers to (RFC 5182)."""
        self._watch: Watch | None = None
        self._former_watches: list[Watch] = []
        """Watches of accounts that are no longer needed."""
        self._mailboxes: pb.MailboxList | None = None
        self._by_name: dict[str, pb.Mailbox] = {}

    @property
    def utf8(self) -> bool:
        """Whether names and quoted strings are UTF-8 in both directions (RFC 9051 Appendix A, RFC 9755 §3)."""
        return self.rev2 or self.utf8_accept

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox; only for handlers of commands that require the selected state."""
        assert self.selected is not None
        return self.selected

    @property
    def watch(self) -> Watch:
        """The watched version of the account; available after the log-in."""
        assert self._watch is not None
        return self._watch

    async def enter(self, log_in: LogIn) -> None:
        """Log in to an account. The log-in may be revoked later; the session's writes carry it."""
        await super().enter(log_in)
        self._watch = await self.backend.versions.watch(self.account)
        with self.writing():
            self._watch.note(await self.backend.mailstore.open_account(self.account))
        self.state = ImapState.AUTHENTICATED

    def notify(self, notifications: Notifications | None) -> None:
        """Be notified of other events than before. `settle` must follow."""
        if self.notifications is not None:
            self.drop(self.notifications)
        self.notifications = notifications

    def drop(self, notifications: Notifications) -> None:
        """Watch no accounts for these notifications any more. `settle` must follow."""
        self._former_watches += notifications.release()

    async def leave(self) -> None:
        """Release what the session holds, after its last command."""
        await super().leave()
        self.select(None)
        self.state = ImapState.NOT_AUTHENTICATED  # also after a log-in whose account could not be opened
        self.notify(None)
        await self.settle()
        if self._watch is not None:
            await self.backend.versions.leave(self._watch)
            self._watch = None

    async def unauthenticate(self) -> None:
        """End the log-in and keep the connection, with its TLS and compression (RFC 8437 §2)."""
        await self.leave()
        self.owner = ""
        self._begin_anew()
        self.channel.framer.limits = BEFORE_LOGIN
        self.channel.silence = within(self.backend.clock, self.backend.settings.login_timeout)

    async def begin_tls(self) -> None:
        """Do the handshake; what the client said before it is forgotten (RFC 3501 §6.2.1). Raises SessionEnded."""
        assert self.tls is not None
        await self.channel.begin_tls(self.tls, self.backend.settings.handshake_timeout)
        self.client.clear()
        self.is_secure = True

    def select(self, selected: Selected | None) -> None:
        """Select another mailbox, or none. `settle` must follow."""
        if self.selected is not None and self.selected.watch is not self._watch:
            self._former_watches.append(self.selected.watch)
        self.selected = selected
        self.saved = NumberSet()
        self.state = ImapState.SELECTED if selected else ImapState.AUTHENTICATED

    async def settle(self) -> None:
        """Release the watches that are no longer needed; called after each command."""
        while self._former_watches:
            await self.backend.versions.leave(self._former_watches.pop())

    async def place(self, name: str) -> OwnedName:
        """Where the mailbox is that a command names.

        A name of another account leads there when that account shares anything with this one. An own mailbox of such a
        name, from before its first level was a namespace, comes first. Raises NotFound exactly as for a missing
        mailbox.
        """
        foreign = self.backend.namespaces.foreign(name)
        if foreign is None or await self._find_own(name) is not None:
            return OwnedName(self.account, name)
        known = await self.backend.sharing.owner(self.account, foreign.owner, group=foreign.group)
        if known.off:
            return OwnedName(self.account, name)
        if not (known.owner and foreign.name):
            raise NotFound(f"there is no mailbox {foreign.name}", "NONEXISTENT")
        return OwnedName(known.owner, foreign.name)

    async def watch_of(self, account: str) -> Watch:
        """The watched version of the account that owns a mailbox which is about to be selected."""
        return self.watch if account == self.account else await self.backend.versions.watch(account)

    async def resolve(self, sequence: SequenceSet, *, uid: bool) -> NumberSet:
        """The UIDs in the view that a command refers to. Raises NoSuchMessage."""
        return await self.mailbox.resolve(sequence, uid=uid, saved=self.saved, turns=self.backend.turns)

    def enable_condstore(self) -> None:
        """Include MODSEQ in responses from now on.

        If a mailbox is selected, the client is sent its HIGHESTMODSEQ (RFC 7162 §3.1.2.1).
        """
        if not self.condstore and self.selected is not None:
            self.channel.write(
                response.ok(response.UNTAGGED, "Highest MODSEQ", highestmodseq(self.selected.known_version))
            )
        self.condstore = True

    async def look_again(self) -> None:
        """Read the version of the selected mailbox's account, because a response showed a change before the doorbell
        did."""
        with contextlib.suppress(ServiceError):
            self.mailbox.watch.note(await self.backend.mailstore.version(self.mailbox.account))

    async def mailboxes(self) -> pb.MailboxList:
        """The account's mailboxes at the newest known version; they are read again only when there is a newer one."""
        known = self._current_mailboxes()
        if known is None:
            known = self._mailboxes = await self.backend.mailstore.mailboxes(self.account)
            self._by_name = {mailbox.name: mailbox for mailbox in known.mailboxes}
            self.watch.note(known.version)
        return known

    async def find_mailbox(self, name: str) -> pb.Mailbox | None:
        """The mailbox of a name. In an account with many mailboxes only this one is read.

        The mailbox of another account has that name, and the rights to it; it is only found when there is any right.
        """
        if self.backend.namespaces.foreign(name) is not None:
            return await self._find_elsewhere(name)
        return await self._find_own(name)

    async def permitted(self, name: str, right: str) -> pb.Mailbox | None:
        """The mailbox of a name, to which there must be a right. None, as for a missing one, without `l`.

        Raises Denied.
        """
        mailbox = await self.find_mailbox(name)
        if mailbox is None or has_right(mailbox, right):
            return mailbox
        if has_right(mailbox, "l"):
            raise Denied("you have no right to do this", "NOPERM")
        return None

    async def _find_elsewhere(self, name: str) -> pb.Mailbox | None:
        try:
            place = await self.place(name)
        except NotFound:
            return None
        if place.account == self.account:
            return await self._find_own(name)
        mailbox = await self.backend.mailstore.mailbox(place.account, place.name)
        if mailbox is not None:
            mailbox.name = name
        return mailbox

    async def _find_own(self, name: str) -> pb.Mailbox | None:
        if self._current_mailboxes() is None:
            if self._mailboxes is None or len(self._by_name) > _FEW_MAILBOXES:
                return await self.backend.mailstore.mailbox(self.account, name)
            await self.mailboxes()
        return self._by_name.get(name)

    def _current_mailboxes(self) -> pb.MailboxList | None:
        known = self._mailboxes
        if known is None or known.version < self.watch.version or not self.backend.versions.trusted:
            return None
        return known

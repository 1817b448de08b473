"""One POP3 session."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from services.access.pop3.dependencies import PopDependencies
from services.access.pop3.fetched_ahead import FetchedAhead
from services.access.session.account_session import AccountSession
from services.access.session.channel import SessionChannel, SessionEnded, Silence, within
from services.access.session.versions import Watch
from shared.network.wire import Wire
from shared.protocol.pop3.framing import LOGGED_IN_OCTETS, PopEvent, PopFramer, PopLine
from shared.protocol.pop3.maildrop import Maildrop, PopMessage
from shared.routing.log_ins import LogIn


class PopChannel(SessionChannel[PopEvent]):
    """The input and output of a POP3 session."""

    framer: PopFramer

    def _size(self, event: PopEvent) -> int:
        return len(event.octets) if isinstance(event, PopLine) else 0


class OpenMaildrop(NamedTuple):
    """The maildrop of a session that has logged in."""

    mailbox: str
    """The id of INBOX."""
    messages: Maildrop
    expire_days: int
    """Days after which INBOX forgets messages; 0: never."""
    ahead: FetchedAhead


class PopSession(AccountSession):
    """The state of a session between commands."""

    def __init__(self, dependencies: PopDependencies, wire: Wire, tls: ssl.SSLContext | None) -> None:
        """`tls` is for STLS; None when the connection is under TLS already."""
        self.dependencies = dependencies
        log_ins = dependencies.log_ins
        self.channel = PopChannel(wire, PopFramer(), self._time_for_log_in(), log_ins.turns)
        super().__init__(log_ins, self.channel, wire.peer)
        self._wire = wire
        self._tls = tls
        self.is_secure = tls is None
        """Whether TLS is active."""
        self.user: bytes | None = None
        """The name that USER gave, until PASS."""
        self._maildrop: OpenMaildrop | None = None
        self._watch: Watch | None = None

    @property
    def is_logged_in(self) -> bool:
        """Whether the session is in the TRANSACTION state (RFC 1939 §5)."""
        return self._maildrop is not None

    @property
    def maildrop(self) -> OpenMaildrop:
        """The maildrop; only for handlers of commands that require a log-in."""
        assert self._maildrop is not None
        return self._maildrop

    async def enter(self, log_in: LogIn) -> None:
        """Log in to an account and open its maildrop. Raises ServiceError."""
        await super().enter(log_in)
        self._watch = await self.dependencies.versions.watch(self.account)
        with self.writing():
            self._watch.note(await self.dependencies.mailstore.open_account(self.account))
        self._maildrop = await self._opened(self._watch)
        self.channel.prove()
        self.channel.framer.most = LOGGED_IN_OCTETS
        idle_timeout = self.dependencies.limits.idle_timeout
        self.channel.silence = lambda: idle_timeout

    async def leave(self) -> None:
        """Release what the session holds, the maildrop before anything is awaited: a client may be back at once."""
        self._maildrop = None
        await super().leave()
        if self._watch is not None:
            watch, self._watch = self._watch, None
            await self.dependencies.versions.leave(watch)

    def drop_input(self) -> bool:
        """Drop what was received after the present command; returns whether there was anything."""
        return bool(self._wire.take() + self.channel.framer.take_rest())

    async def begin_tls(self) -> None:
        """Do the handshake. What the client said before it is forgotten (RFC 2595 §4). Raises SessionEnded."""
        assert self._tls is not None
        await self.channel.flush()
        if await self._wire.start_tls(self._tls, self.dependencies.log_ins.settings.handshake_timeout) is None:
            raise SessionEnded
        self.channel.framer = PopFramer()
        self.user = None
        self.is_secure = True

    async def _opened(self, watch: Watch) -> OpenMaildrop:
        """Read the whole list once, so that its numbers stay."""
        messages, mailbox, expire_days = Maildrop(), "", 0
        dependencies = self.dependencies
        async for page in dependencies.maildrops.opened(self.account, dependencies.limits.max_messages):
            mailbox, expire_days = page.mailbox, page.expire_days
            messages.add(map(PopMessage, page.uids, page.sizes, page.unique_ids))
            await dependencies.log_ins.turns.spend(rows=len(page.uids))
        ahead = FetchedAhead(dependencies.mailstore, self.account, mailbox, watch)
        return OpenMaildrop(mailbox, messages, expire_days, ahead)

    def _time_for_log_in(self) -> Silence:
        return within(self.dependencies.log_ins.clock, self.dependencies.log_ins.settings.login_timeout)

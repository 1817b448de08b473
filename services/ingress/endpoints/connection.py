"""One SMTP connection: it answers the events of its session and records every refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from services.ingress.domain.client import SmtpClient
from services.ingress.domain.unknown_recipients import pause_before_refusal
from services.ingress.endpoints.authentication import Authentication
from services.ingress.endpoints.dependencies import Dependencies
from services.ingress.endpoints.transaction import MailTransaction
from shared.events.mail import Refusal
from shared.eventstore.event import Provenance
from shared.grpc.call import act
from shared.network.wire import Wire
from shared.protocol.address.address import parse_address
from shared.protocol.smtp import replies
from shared.protocol.smtp.commands import Ehlo
from shared.protocol.smtp.config import Port, SessionConfig
from shared.protocol.smtp.events import (
    Answered,
    AuthCancelled,
    AuthLine,
    AuthStarted,
    BodyChunk,
    BodyEnd,
    Event,
    Greeted,
    MailFrom,
    Question,
    QuitRequested,
    RcptTo,
    RefusedCommand,
    StartData,
    StartTlsRequested,
    TransactionAborted,
    Wait,
)
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply, with_cause, with_reference
from shared.protocol.smtp.session import ServerSession
from shared.protocol.smtp.trace_header import TraceTls
from shared.tls.client_certificate import mail_addresses
from shared.tls.handshake import TlsHandshake

log = structlog.get_logger("ingress")
_READ_AHEAD = 131_072
"""Octets of pipelined commands in a session; further ones wait in the wire."""
_ENOUGH = 65536
"""Octets of replies that are sent at once, even when more commands wait."""
_TURN_EVENTS = 64
_TURN_SECONDS = 0.01
"""Events and seconds of one session after which other connections get their turn; a group of pipelined commands may
have a hundred kilobytes."""


class SmtpConnection:
    """Connects a wire, a session and a transaction.

    Replies to pipelined commands are sent together (RFC 2920 §3.2). It is the occupant of its slot at the
    listener.
    """

    def __init__(self, dependencies: Dependencies, listener: str, config: SessionConfig, wire: Wire) -> None:
        self._dependencies = dependencies
        self._wire = wire
        self._session = ServerSession(config)
        self._out = bytearray()
        self._stage = "connect"
        self.client = SmtpClient(config.session_id or "", wire.peer, wire.peer_port, listener)
        self._tls = dependencies.tls if config.port is Port.RELAY else dependencies.tls_of_users
        self._takes_log_ins = bool(config.mechanisms)
        self._authentication = Authentication(dependencies.directory, self.client, dependencies.settings, wire.pause)
        self._set_tls(wire.handshake())
        self._transaction = MailTransaction(dependencies, self.client, wire)
        self._is_dismissed = False
        self._is_idle = False  # the client may send a command, and no message is being received
        self._progress = self._turn = dependencies.clock.monotonic()
        self._events = 0  # in this turn

    async def serve(self) -> None:
        """Serve the connection; returns when it is closed, and raises only when it is cancelled."""
        act(Provenance(self.client.actor()))
        try:
            self._greet()
            await self._converse()
        except (ConnectionError, TimeoutError):  # the client has gone, or does not read
            self._wire.abort()
        except Exception as error:
            log.error("ingress.connection_fault", session=self.client.session, exc_info=error)
            self._wire.abort()
        finally:
            self._transaction.forget()
            self._wire.close()

    def dismiss(self) -> None:
        """End the session because the server stops, as soon as no message is being received."""
        self._is_dismissed = True
        if self._is_idle:
            self._end(replies.shutting_down())
            self._wire.hang_up()

    def abort(self) -> None:
        """Close at once."""
        self._wire.abort()

    def _greet(self) -> None:
        self._receive()
        refusal = self._connection_refusal()
        self._out += self._session.greeting(refusal)
        if refusal is not None:
            self._record(self._session.last_reply or refusal)
        self._stage = "helo"

    def _connection_refusal(self) -> Reply | None:
        if self._wire.slot.refusal is not None:
            return replies.too_many_connections()
        network = self._dependencies.directory.blocked_network(self.client.address)
        return with_cause(replies.network_blocked(), f"{network} is blocked") if network else None

    async def _converse(self) -> None:
        """Handle the events of the session until it ends."""
        while True:
            event = self._session.next_event()
            if isinstance(event, Wait):
                if not await self._wait(event):
                    break
            else:
                if self._events >= _TURN_EVENTS or self._progress - self._turn > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    self._begin_turn()
                await self._handle(event)
        if self._wire.slot.refusal is None and self._was_ended:
            await self._wire.linger()

    def _begin_turn(self) -> None:
        self._events, self._turn = 0, self._dependencies.clock.monotonic()

    @property
    def _was_ended(self) -> bool:
        """Whether a refusal ended the session, and not the client."""
        last = self._session.last_reply
        return self._session.closed and last is not None and not last.is_positive

    async def _wait(self, reason: Wait) -> bool:
        await self._flush_all()
        if reason is Wait.TLS:
            return await self._start_tls()
        is_over = self._wire.is_over and not self._wire.held
        if reason is not Wait.DATA or is_over or (self._is_dismissed and not self._transaction.is_open):
            if reason is Wait.DATA and self._is_dismissed:
                self._end(replies.shutting_down())
            return False
        if not self._wire.held and not await self._input():
            return False
        self._receive()
        return True

    async def _input(self) -> bool:
        """Let other connections have their turn and wait for input; returns whether there is any."""
        self._is_idle = not self._transaction.is_open
        try:
            await self._wire.wait(self._patience)
        except TimeoutError:
            self._end(replies.timed_out())
            return False
        finally:
            self._is_idle = False
        self._begin_turn()
        return not self._wire.is_over or (self._wire.held > 0 and not self._is_dismissed)

    def _receive(self) -> None:
        """Pass received octets to the session."""
        self._session.receive(self._wire.take())

    @property
    def _patience(self) -> float:
        """The seconds for which the client may send nothing."""
        settings, now = self._dependencies.settings, self._dependencies.clock.monotonic()
        if self._transaction.began is None:  # for a whole command, whether it arrives in one piece or in many
            return self._progress + settings.command_timeout - now
        return min(settings.data_timeout, self._transaction.began + settings.transfer_timeout - now)

    async def _handle(self, event: Event) -> None:
        try:
            await _HANDLERS[type(event)](self, event)
        except Exception as error:
            log.error(
                "ingress.session_fault", session=self.client.session, event_name=type(event).__name__, exc_info=error
            )
            self._transaction.fail(with_cause(replies.try_later(), repr(error)))
            if isinstance(event, Question):
                self._answer(with_cause(replies.try_later(), repr(error)))
        self._events += 1
        self._progress = self._dependencies.clock.monotonic()
        if len(self._out) > _ENOUGH:
            await self._flush_all()

    def _flush(self) -> None:
        if self._out:
            self._wire.write(self._out)
            self._out = bytearray()

    async def _flush_all(self) -> None:
        """Send the replies, and wait until there is room for more. Raises like the wire's `drain`."""
        self._flush()
        if self._wire.is_choked or self._wire.is_lost:
            await self._wire.drain()

    # --- events

    async def _on_greeted(self, event: Greeted) -> None:
        self._transaction.forget()
        self.client.hello, self.client.esmtp = event.hello.name, isinstance(event.hello, Ehlo)
        self._answer(event.acceptance)
        self._stage = "mail"

    async def _on_mail(self, event: MailFrom) -> None:
        sender = str(event.mail.reverse_path or "")
        if self._answer(await self._transaction.begin(event.mail), sender=sender):
            self._stage = "rcpt"

    async def _on_rcpt(self, event: RcptTo) -> None:
        reply = await self._transaction.recipient(event.rcpt)
        if not reply.is_positive:
            self._flush()  # send the waiting replies first, so that they do not wait as well
        before = self._session.refused_recipients
        if self._answer(reply, recipient=str(event.rcpt.forward_path)):
            self._wire.prove()
        if (count := self._session.refused_recipients) > before:
            await self._wire.pause(pause_before_refusal(count, self._dependencies.settings.refusal_pause))

    async def _on_start(self, event: StartData) -> None:
        self._stage = "data"
        self._answer(self._transaction.start(event.transaction))

    async def _on_chunk(self, event: BodyChunk) -> None:
        self._transaction.take(event.data)

    async def _on_end(self, event: BodyEnd) -> None:
        self._stage = "message"
        self._answer(await self._transaction.finish(event))
        self._stage = "mail"

    async def _on_aborted(self, _event: TransactionAborted) -> None:
        self._transaction.forget()
        self._stage = "mail"

    async def _on_starttls(self, _event: StartTlsRequested) -> None:
        self._answer(replies.ready_for_tls() if self._tls is not None else replies.tls_not_available())

    async def _on_auth(self, event: AuthStarted) -> None:
        self._stage = "auth"
        self._answer_log_in(await self._authentication.begin(event.mechanism, event.initial))

    async def _on_auth_line(self, event: AuthLine) -> None:
        self._answer_log_in(await self._authentication.step(event.line))

    async def _on_quit(self, _event: QuitRequested) -> None:
        self._answer(replies.closing())

    async def _on_answered(self, event: RefusedCommand | Answered | AuthCancelled) -> None:
        """Handle an event that the session has answered itself."""
        self._out += event.reply.encode()
        if not event.reply.is_positive:
            self._record(event.reply)

    # --- parts

    def _answer_log_in(self, reply: Reply) -> None:
        self._answer(reply)
        if self.client.is_authenticated:
            self._wire.prove()
            act(Provenance(self.client.actor()))
            self._limit_message_size()
            self._stage = "mail"

    def _limit_message_size(self) -> None:
        limit = self._dependencies.directory.size_limit_of(parse_address(self.client.account_address))
        if limit:
            self._session.limit_message_size(limit)

    async def _start_tls(self) -> bool:
        assert self._tls is not None
        self._receive()  # octets in the clear after STARTTLS, which the session drops
        handshake = await self._wire.start_tls(self._tls, self._dependencies.settings.handshake_timeout)
        if handshake is None:
            return False
        self._set_tls(handshake)
        self.client.hello, self.client.user = "", ""
        self._session.tls_started()
        self._stage = "helo"
        return True

    def _set_tls(self, handshake: TlsHandshake | None) -> None:
        self.client.tls = TraceTls(handshake.version, handshake.cipher, handshake.bits) if handshake else None
        if self._takes_log_ins:
            certificate = self._wire.client_certificate()
            self._authentication.certificate = None if certificate is None else mail_addresses(certificate)
            self._session.offer_mechanisms(self._authentication.mechanisms)

    def _answer(self, reply: Reply, *, sender: str = "", recipient: str = "") -> bool:
        if self._wire.held and self._session.buffered <= _READ_AHEAD:
            self._receive()  # so that the session knows the input that arrived before the reply
        self._out += self._session.answer(reply)
        if reply.is_positive:
            return True
        self._record(self._session.last_reply or reply, sender or self._transaction.sender, recipient)
        return False

    def _end(self, reply: Reply) -> None:
        """End the session with a reply outside of the dialog (RFC 5321 §3.8)."""
        reply = with_reference(reply, reference(self.client.session, 0))
        self._out += reply.encode()
        self._flush()
        self._record(reply, self._transaction.sender)

    def _record(self, reply: Reply, sender: str = "", recipient: str = "") -> None:
        text = " ".join(reply.text)
        refusal = Refusal(
            reply.reference or "",
            self._dependencies.clock.now(),
            self._stage,
            reply.code,
            reply.enhanced or "",
            text,
            reply.cause or "",
            sender,
            recipient,
        )
        self._dependencies.refusals.add(self.client.session, self.client.as_event(), refusal)


_HANDLERS: Mapping[type, Callable[[SmtpConnection, Any], Awaitable[None]]] = {
    Greeted: SmtpConnection._on_greeted,
    MailFrom: SmtpConnection._on_mail,
    RcptTo: SmtpConnection._on_rcpt,
    StartData: SmtpConnection._on_start,
    BodyChunk: SmtpConnection._on_chunk,
    BodyEnd: SmtpConnection._on_end,
    TransactionAborted: SmtpConnection._on_aborted,
    StartTlsRequested: SmtpConnection._on_starttls,
    AuthStarted: SmtpConnection._on_auth,
    AuthLine: SmtpConnection._on_auth_line,
    AuthCancelled: SmtpConnection._on_answered,
    QuitRequested: SmtpConnection._on_quit,
    RefusedCommand: SmtpConnection._on_answered,
    Answered: SmtpConnection._on_answered,
}

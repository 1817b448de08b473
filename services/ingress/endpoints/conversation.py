"""One SMTP session: what the protocol object asks is answered, and every refusal becomes a fact."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from services.ingress.domain.backoff import pause_before_refusal
from services.ingress.domain.client import ClientFacts
from services.ingress.endpoints.authentication import Authentication
from services.ingress.endpoints.connection import Connection
from services.ingress.endpoints.means import Means
from services.ingress.endpoints.transaction import MailTransaction
from shared.events.mail import Refusal
from shared.eventstore.event import Provenance
from shared.grpc.call import act
from shared.protocol.smtp import replies
from shared.protocol.smtp.commands import Ehlo
from shared.protocol.smtp.config import SessionConfig
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
    Refused,
    StartData,
    StartTlsRequested,
    TransactionAborted,
    Wait,
)
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply, with_cause, with_reference
from shared.protocol.smtp.session import ServerSession
from shared.protocol.smtp.trace_header import TlsFacts
from shared.tls import facts as tls_facts

log = structlog.get_logger("ingress")
_ENOUGH = 65536
"""Octets of replies after which they are sent though more commands wait."""
_TURN = 64
"""Events of one session after which all others have their turn: a group of commands may be a hundred kilobytes long."""


class Conversation:
    """Reads events, answers, writes: replies to pipelined commands leave together (RFC 2920 section 3.2)."""

    def __init__(self, means: Means, listener: str, config: SessionConfig, connection: Connection) -> None:
        self._means = means
        self._connection = connection
        self._session = ServerSession(config)
        self._out = bytearray()
        self._stage = "connect"
        address, port = connection.peer()
        self.client = ClientFacts(config.session_id or "", address, port, listener)
        self._set_tls(connection.tls_facts())
        self._authentication = Authentication(means.directory, self.client, means.settings.max_failed_logins)
        self._mail = MailTransaction(means, self.client, connection)
        self._is_dismissed = False
        self.is_idle = False
        """It waits for a command, and no message is under way."""
        connection.attach(self._session)

    async def run(self, *, admitted: bool) -> None:
        """Until the session is over."""
        act(Provenance(self.client.actor()))
        refusal = None if admitted else replies.too_many_connections()
        self._out += self._session.greeting(refusal)
        if refusal is not None:
            self._note(self._session.last_reply or refusal)
        self._stage = "helo"
        steps = itertools.count(1)
        try:
            while await self._step():
                if not next(steps) % _TURN:
                    await asyncio.sleep(0)
            if admitted and self._was_ended:
                await self._connection.linger()
        finally:
            self._mail.forget()
            self._connection.close()

    @property
    def _was_ended(self) -> bool:
        """Whether a refusal ended the session, and not the client."""
        last = self._session.last_reply
        return self._session.closed and last is not None and not last.is_positive

    def dismiss(self) -> None:
        """The server stops: say so as soon as no message is under way."""
        self._is_dismissed = True
        if self.is_idle:
            self._end(replies.shutting_down())
            self._connection.hang_up()

    async def _step(self) -> bool:
        event = self._session.next_event()
        if isinstance(event, Wait):
            return await self._wait(event)
        await self._handle(event)
        if len(self._out) > _ENOUGH:
            self._flush()
            await self._connection.drained()
        return True

    async def _wait(self, why: Wait) -> bool:
        self._flush()
        await self._connection.drained()
        if why is Wait.TLS:
            return await self._start_tls()
        if why is not Wait.DATA or self._connection.is_over or (self._is_dismissed and not self._mail.is_open):
            if why is Wait.DATA and self._is_dismissed:
                self._end(replies.shutting_down())
            return False
        self.is_idle = not self._mail.is_open
        more = await self._connection.more()
        self.is_idle = False
        if self._connection.timed_out:
            self._end(replies.timed_out())
        return more

    async def _handle(self, event: Event) -> None:
        try:
            await _HANDLERS[type(event)](self, event)
        except Exception as error:
            log.error(
                "ingress.session_fault", session=self.client.session, event_name=type(event).__name__, exc_info=error
            )
            self._mail.fail(with_cause(replies.try_later(), repr(error)))
            if isinstance(event, Question):
                self._answer(with_cause(replies.try_later(), repr(error)))
        self._connection.progressed()

    def _flush(self) -> None:
        if self._out:
            self._connection.write(self._out)
            self._out = bytearray()

    # --- events

    async def _on_greeted(self, event: Greeted) -> None:
        self._mail.forget()
        self.client.hello, self.client.esmtp = event.hello.name, isinstance(event.hello, Ehlo)
        self._answer(event.acceptance)
        self._stage = "mail"

    async def _on_mail(self, event: MailFrom) -> None:
        sender = str(event.mail.reverse_path or "")
        if self._answer(await self._mail.begin(event.mail), sender=sender):
            self._stage = "rcpt"

    async def _on_rcpt(self, event: RcptTo) -> None:
        reply = await self._mail.recipient(event.rcpt)
        if not reply.is_positive:
            self._flush()  # the replies to others need not wait with this one
        before = self._session.refused_recipients
        if self._answer(reply, recipient=str(event.rcpt.forward_path)):
            self._connection.prove()
        if (count := self._session.refused_recipients) > before:
            await self._connection.pause(pause_before_refusal(count, self._means.settings.refusal_pause))

    async def _on_start(self, event: StartData) -> None:
        self._stage = "data"
        self._answer(self._mail.start(event.transaction))

    async def _on_chunk(self, event: BodyChunk) -> None:
        self._mail.take(event.data)

    async def _on_end(self, event: BodyEnd) -> None:
        self._stage = "message"
        self._answer(await self._mail.finish(event))
        self._stage = "mail"

    async def _on_aborted(self, _event: TransactionAborted) -> None:
        self._mail.forget()
        self._stage = "mail"

    async def _on_starttls(self, _event: StartTlsRequested) -> None:
        self._answer(replies.ready_for_tls() if self._means.tls is not None else replies.tls_not_available())

    async def _on_auth(self, event: AuthStarted) -> None:
        self._stage = "auth"
        self._authenticated(await self._authentication.begin(event.mechanism, event.initial))

    async def _on_auth_line(self, event: AuthLine) -> None:
        self._authenticated(await self._authentication.step(event.line))

    async def _on_quit(self, _event: QuitRequested) -> None:
        self._answer(replies.closing())

    async def _on_given(self, event: Refused | Answered | AuthCancelled) -> None:
        """Answered by the session itself."""
        self._out += event.reply.encode()
        if not event.reply.is_positive:
            self._note(event.reply)

    # --- parts

    def _authenticated(self, reply: Reply) -> None:
        self._answer(reply)
        if self.client.is_authenticated:
            self._connection.prove()
            act(Provenance(self.client.actor()))
            self._stage = "mail"

    async def _start_tls(self) -> bool:
        assert self._means.tls is not None
        facts = await self._connection.start_tls(self._means.tls)
        if facts is None:
            return False
        self._set_tls(facts)
        self.client.hello, self.client.user = "", ""
        self._session.tls_started()
        self._connection.attach(self._session)
        self._stage = "helo"
        return True

    def _set_tls(self, facts: tls_facts.TlsFacts | None) -> None:
        self.client.tls = TlsFacts(facts.version, facts.cipher, facts.bits) if facts else None

    def _answer(self, reply: Reply, *, sender: str = "", recipient: str = "") -> bool:
        self._out += self._session.answer(reply)
        if not reply.is_positive:
            self._note(self._session.last_reply or reply, sender or self._mail.sender, recipient)
        return reply.is_positive

    def _end(self, reply: Reply) -> None:
        """The server ends the session by itself, outside of the dialog (RFC 5321 section 3.8)."""
        reply = with_reference(reply, reference(self.client.session, 0))
        self._out += reply.encode()
        self._flush()
        self._note(reply, self._mail.sender)

    def _note(self, reply: Reply, sender: str = "", recipient: str = "") -> None:
        text = " ".join(reply.text)
        refusal = Refusal(
            reply.reference or "",
            self._means.clock.now(),
            self._stage,
            reply.code,
            reply.enhanced or "",
            text,
            reply.cause or "",
            sender,
            recipient,
        )
        self._means.refusals.add(self.client.session, self.client.fact(), refusal)


_HANDLERS: Mapping[type, Callable[[Conversation, Any], Awaitable[None]]] = {
    Greeted: Conversation._on_greeted,
    MailFrom: Conversation._on_mail,
    RcptTo: Conversation._on_rcpt,
    StartData: Conversation._on_start,
    BodyChunk: Conversation._on_chunk,
    BodyEnd: Conversation._on_end,
    TransactionAborted: Conversation._on_aborted,
    StartTlsRequested: Conversation._on_starttls,
    AuthStarted: Conversation._on_auth,
    AuthLine: Conversation._on_auth_line,
    AuthCancelled: Conversation._on_given,
    QuitRequested: Conversation._on_quit,
    Refused: Conversation._on_given,
    Answered: Conversation._on_given,
}

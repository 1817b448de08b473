"""A shell without sockets: it answers every event by fixed rules, and keeps what was said and what was taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.protocol.sasl.exchange import SaslExchange, start
from shared.protocol.sasl.outcome import Challenge, Credentials, Outcome, SaslError
from shared.protocol.smtp import replies
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
    QuitRequested,
    RcptTo,
    RefusedCommand,
    StartData,
    StartTlsRequested,
    TransactionAborted,
    Wait,
)
from shared.protocol.smtp.reply import Reply
from shared.protocol.smtp.session import ServerSession

_REFUSED_RECIPIENTS = {
    "nobody": replies.no_such_mailbox,
    "later": replies.recipient_deferred,
    "bye": replies.shutting_down,
}


def config(port: Port = Port.RELAY, **settings: object) -> SessionConfig:
    return SessionConfig(hostname="mx.example.org", port=port, **{"max_message_size": 1000, **settings})  # type: ignore[arg-type]


@dataclass
class Shell:
    """Feed it with ``hear``. A message is taken whole, or not at all."""

    session: ServerSession
    said: bytearray = field(default_factory=bytearray)
    events: list[Event] = field(
        default_factory=list
    )  # without the chunks of bodies, whose sizes depend on how the bytes were cut
    messages: list[tuple[BodyEnd, bytes]] = field(default_factory=list)
    aborted: int = 0
    _body: bytearray = field(default_factory=bytearray)
    _exchange: SaslExchange | None = None

    def hear(self, data: bytes) -> None:
        self.session.receive(data)
        while not isinstance(event := self.session.next_event(), Wait):
            if not isinstance(event, BodyChunk):
                self.events.append(event)
            self.said += self._respond(event)

    def hear_all(self, pieces: Iterable[bytes | None]) -> Shell:
        """None stands for the TLS handshake."""
        for piece in pieces:
            if piece is None:
                self.session.tls_started()
            else:
                self.hear(piece)
        return self

    def _respond(self, event: Event) -> bytes:
        match event:
            case BodyChunk(data):
                self._body += data
                return b""
            case TransactionAborted():
                self._body.clear()
                self.aborted += 1
                return b""
            case RefusedCommand() | Answered() | AuthCancelled():
                return event.reply.encode()
            case AuthStarted(mechanism, initial):
                self._exchange, outcome = start(mechanism, initial)
                return self.session.answer(_authentication(outcome))
            case AuthLine(line):
                assert self._exchange is not None
                return self.session.answer(_authentication(self._exchange.step(line)))
            case _:
                return self.session.answer(self._decide(event))

    def _decide(self, event: Event) -> Reply:
        match event:
            case Greeted():
                return event.acceptance
            case MailFrom(mail):
                is_refused = mail.reverse_path is not None and mail.reverse_path.localpart == "spammer"
                return replies.sender_not_owned() if is_refused else replies.sender_accepted()
            case RcptTo(rcpt):
                return _REFUSED_RECIPIENTS.get(rcpt.forward_path.localpart, replies.recipient_accepted)()
            case StartData(transaction):
                return replies.storage_full() if transaction.mail.envid == "full" else replies.start_mail_input()
            case BodyEnd():
                body = bytes(self._body)
                self._body.clear()
                if event.refusal is None:
                    self.messages.append((event, body))
                return event.refusal or replies.message_accepted(f"q{len(self.messages)}")
            case StartTlsRequested():
                return replies.ready_for_tls()
            case QuitRequested():
                return replies.closing()
        raise AssertionError(event)


def _authentication(outcome: Outcome) -> Reply:
    match outcome:
        case Challenge():
            return replies.challenge(outcome.encode())
        case Credentials(authcid, _, password):
            return (
                replies.authenticated() if (authcid, password) == ("ann", "secret") else replies.authentication_failed()
            )
        case SaslError():
            return replies.authentication_malformed()


def shell(settings: SessionConfig | None = None) -> Shell:
    """A shell whose session has greeted."""
    made = Shell(ServerSession(settings or config()))
    made.said += made.session.greeting()
    return made


def ready(settings: SessionConfig | None = None) -> Shell:
    """A shell whose session has greeted and taken EHLO; nothing said is kept."""
    made = shell(settings)
    made.hear(b"EHLO client.example\r\n")
    made.said.clear()
    made.events.clear()
    return made

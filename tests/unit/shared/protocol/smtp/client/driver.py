"""A caller without sockets: it sends its messages in order, feeds their bodies, and keeps all that happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.protocol.address.address import parse_address
from shared.protocol.smtp.client.events import (
    BodyNeeded,
    ClientEvent,
    Ready,
    SessionClosed,
    SessionFailed,
    TlsNeeded,
    TransactionDone,
)
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.outcome import RecipientResult
from shared.protocol.smtp.client.session import ClientSession
from shared.protocol.smtp.client.transaction import OutgoingTransaction
from shared.protocol.smtp.commands import Rcpt

BODY = b"Subject: hello\r\n\r\n.a dot\r\nend\r\n"


def options(tls: TlsMode = TlsMode.NEVER, **values: object) -> SessionOptions:
    return SessionOptions(hello_name="mx.example.org", tls=tls, **values)  # type: ignore[arg-type]


def transaction(
    *recipients: str | Rcpt, sender: str | None = "bob@example.org", **values: object
) -> OutgoingTransaction:
    return OutgoingTransaction(
        reverse_path=parse_address(sender) if sender is not None else None,
        recipients=tuple(
            recipient if isinstance(recipient, Rcpt) else Rcpt(parse_address(recipient)) for recipient in recipients
        ),
        **values,  # type: ignore[arg-type]
    )


@dataclass
class Driver:
    """Feed it with `hear`. When there is no message left and `quits`, it says QUIT."""

    session: ClientSession
    mails: list[tuple[OutgoingTransaction, bytes]] = field(default_factory=list)
    quits: bool = True
    piece: int | None = None  # octets of the pieces of bodies
    said: bytearray = field(default_factory=bytearray)
    events: list[ClientEvent] = field(default_factory=list)
    hold_body: bool = False  # the test feeds it
    _body: bytes = b""

    def hear(self, *pieces: bytes) -> Driver:
        for piece in pieces:
            self.session.receive(piece)
            self.work()
        return self

    def work(self) -> None:
        """Handle all events, then take the output."""
        while (event := self.session.next_event()) is not None:
            self.events.append(event)
            self._handle(event)
        self.said += self.session.output()

    def established(self) -> Driver:
        self.session.tls_established()
        self.work()
        return self

    def cut(self) -> Driver:
        self.session.end_of_input()
        self.work()
        return self

    def time_out(self) -> Driver:
        self.session.time_out()
        self.work()
        return self

    def taken(self) -> bytes:
        """What was said since the last call."""
        said = bytes(self.said)
        self.said.clear()
        return said

    @property
    def results(self) -> list[RecipientResult]:
        return [
            result
            for event in self.events
            if isinstance(event, TransactionDone | SessionFailed)
            for result in event.results
        ]

    @property
    def failure(self) -> SessionFailed:
        (failed,) = [event for event in self.events if isinstance(event, SessionFailed)]
        return failed

    def _handle(self, event: ClientEvent) -> None:
        match event:
            case Ready():
                self._next()
            case TransactionDone(_, reusable):
                if reusable:
                    self._next()
                elif self.quits and not self.session.closed and self.session.is_idle:
                    self.session.quit()
            case BodyNeeded():
                if not self.hold_body:
                    self.feed(self._body)
                    self.session.end_body()
            case TlsNeeded() | SessionFailed() | SessionClosed():
                pass

    def _next(self) -> None:
        if self.mails:
            mail, self._body = self.mails.pop(0)
            self.session.send(mail)
        elif self.quits:
            self.session.quit()

    def feed(self, body: bytes) -> None:
        step = self.piece or max(1, len(body))
        for start in range(0, len(body), step):
            self.session.body(body[start : start + step])


def driver(
    *mails: OutgoingTransaction | tuple[OutgoingTransaction, bytes],
    settings: SessionOptions | None = None,
    quits: bool = False,
) -> Driver:
    pairs = [mail if isinstance(mail, tuple) else (mail, BODY) for mail in mails]
    return Driver(ClientSession(settings or options()), pairs, quits)


def lines(*texts: str) -> bytes:
    """Lines as the server sends them."""
    return "".join([text + "\r\n" for text in texts]).encode()


def hello(*extensions: str) -> bytes:
    """The greeting and the reply to EHLO, which are sent in one piece only in tests of what follows."""
    names = ["mail.example.net", *extensions]
    return lines(*[f"250-{name}" for name in names[:-1]], f"250 {names[-1]}")


def opened(
    *mails: OutgoingTransaction | tuple[OutgoingTransaction, bytes],
    extensions: Iterable[str] = ("PIPELINING", "8BITMIME", "SIZE 1000000", "ENHANCEDSTATUSCODES", "DSN"),
    settings: SessionOptions | None = None,
    quits: bool = False,
) -> Driver:
    """A driver whose session has greeted and said EHLO in the clear; only what follows is kept of what it said."""
    made = driver(*mails, settings=settings, quits=quits)
    made.hear(b"220 mail.example.net ESMTP\r\n")
    made.taken()
    return made.hear(hello(*extensions))

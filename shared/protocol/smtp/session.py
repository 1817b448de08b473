"""The server's side of an SMTP session as a protocol object: bytes in, events out, replies in, bytes out. It does no
I/O.

    session = ServerSession(config)
    write(session.greeting())
    while not session.closed:
        session.receive(await read())
        while not isinstance(event := session.next_event(), Wait):
            write(event.reply.encode() if it has been answered, else session.answer(the caller's decision))

Commands that were pipelined wait until the one before is answered, so replies keep their order (RFC 2920 §3.2). How the
bytes are cut makes no difference, but for input that comes before its time where ``enforce_sync`` is set.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from shared.protocol.smtp import codes, replies
from shared.protocol.smtp.bdat import ChunkDecoder
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    BodyType,
    Command,
    CommandError,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    SmtpTransaction,
    StartTls,
    Vrfy,
)
from shared.protocol.smtp.config import SessionConfig
from shared.protocol.smtp.events import (
    NEED_ANSWER,
    NEED_DATA,
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
    SessionMisuse,
    StartData,
    StartTlsRequested,
    TransactionAborted,
    Wait,
)
from shared.protocol.smtp.extensions import offers
from shared.protocol.smtp.framing import AUTH_LIMIT, BadLine, LineFramer
from shared.protocol.smtp.incoming import IncomingMessage
from shared.protocol.smtp.mail_admission import refusal_of_mail
from shared.protocol.smtp.parse import parse_command
from shared.protocol.smtp.reply import Reply
from shared.protocol.smtp.session_counters import SessionCounters
from shared.protocol.smtp.state import ALLOWED, IN_TRANSACTION, LAST_IN_GROUP, SmtpState, is_innocent, refusal_of

_BAD_LINES: Final[Mapping[BadLine, Callable[[], Reply]]] = {
    BadLine.BARE_NEWLINE: replies.bare_newline_in_command,
    BadLine.NUL: replies.nul_in_command,
    BadLine.TOO_LONG: replies.line_too_long,
}
_IDLE: Final[Mapping[type[Command], Callable[[], Reply]]] = {
    Rset: replies.reset,
    Noop: replies.ok,
    Vrfy: replies.cannot_verify,
    Expn: replies.expansion_disabled,
    Help: replies.help_text,
}


class ServerSession:
    """The session of one connection. The docstring of the module shows its use."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._framer = LineFramer()
        self._state = SmtpState.START
        self._question: Question | None = None  # the event that waits for an answer
        self._queue: deque[Event] = deque()
        self._hello: Helo | Ehlo = Helo("")
        self._mail = Mail(None)
        self._recipients: list[Rcpt] = []
        self._message: IncomingMessage | None = None
        self._bdat: Bdat | None = None  # the first chunk, while the caller decides whether a message may be sent
        self._skipped = ChunkDecoder(0)
        self._after_skip = SmtpState.READY
        self._counters = SessionCounters(config)
        self.tls_active = config.tls_active
        self.is_authenticated = False
        self.injected = 0  # octets received in the clear after STARTTLS, which were discarded
        self.last_reply: Reply | None = None  # as sent, with its reference

    # --- called by the connection

    @property
    def closed(self) -> bool:
        """Whether the session is over, after QUIT or any 421."""
        return self._state is SmtpState.CLOSED

    @property
    def buffered(self) -> int:
        """The number of octets received and not yet used.

        The caller stops reading while it is large, because a client may pipeline, but not without limit.
        """
        return len(self._framer.buffer)

    @property
    def refused_recipients(self) -> int:
        """The number of refused recipients since the last accepted message, by which the caller slows a client down."""
        return self._counters.refused_recipients

    def greeting(self, reply: Reply | None = None) -> bytes:
        """The first bytes to send: 220, or a refusal of the connection, which ends the session (RFC 5321 §3.1)."""
        reply = self._given(reply or replies.service_ready(self._config.hostname, self._config.banner))
        if not reply.is_positive:
            self._close()
        return reply.encode()

    def receive(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._state is SmtpState.TLS:
            # RFC 3207 §4, CVE-2011-0411: it arrived in the clear after STARTTLS and must not be used
            self.injected += len(data)
        elif self._state is not SmtpState.CLOSED:
            self._framer.buffer += data

    def next_event(self) -> Event | Wait:
        """The next event, or why there is none."""
        if self._queue:
            return self._queue.popleft()
        if self._question is not None:
            return NEED_ANSWER
        return _READERS[self._state](self)

    def answer(self, reply: Reply) -> bytes:
        """Answer the event that asked; returns the bytes to send.

        The reply changes the state of the session. Raises SessionMisuse.
        """
        question = self._question
        if question is None:
            raise SessionMisuse("no event waits for an answer")
        reply = self._counters.answered(question, reply)
        _ANSWERS[type(question)](self, question, reply.is_positive, reply.code)
        self._question = None
        reply = self._given(reply)
        is_silent = (
            reply.is_positive and isinstance(question, StartData) and question.chunked
        )  # RFC 3030 §2: BDAT has no 354
        return b"" if is_silent else reply.encode()

    def tls_started(self) -> None:
        """Begin the session anew after the handshake; everything before it is forgotten (RFC 3207 §4.2)."""
        if self._state is not SmtpState.TLS:
            raise SessionMisuse("no STARTTLS was accepted")
        self.tls_active = True
        self.is_authenticated = False
        self._hello = Helo("")
        self._state = SmtpState.START

    def authenticated(self) -> None:
        """Note that the client is authenticated by other means than AUTH, such as its TLS certificate."""
        self.is_authenticated = True

    def offer_mechanisms(self, names: tuple[str, ...]) -> None:
        """Offer other mechanisms of SASL from now on, in upper case."""
        self._config = msgspec.structs.replace(self._config, mechanisms=names)

    def limit_message_size(self, octets: int) -> None:
        """Announce and take no larger messages from now on: the user who has authenticated has a limit (RFC 1870)."""
        self._config = self._config.with_message_size(octets)

    # --- reading, by state
    def _read_command(self) -> Event | Wait:
        line = self._framer.next_line()
        if line is None:
            return NEED_DATA
        if isinstance(line, BadLine):
            return self._bad(_BAD_LINES[line]())
        try:
            command = parse_command(line, self._config.hostname)
        except CommandError as error:
            return self._broken(error)
        kind = type(command)
        if kind in LAST_IN_GROUP and self._is_out_of_sync:
            return self._not_synchronised()
        if self._state not in ALLOWED[kind]:
            return self._out_of_place(command)
        if kind is Rcpt and not self._mail.smtputf8 and not line.isascii():
            return self._bad(replies.non_ascii_address())  # RFC 6531 §3.4
        return _HANDLERS[kind](self, command)

    def _read_auth(self) -> Event | Wait:
        line = self._framer.next_line(AUTH_LIMIT)
        if line is None:
            return NEED_DATA
        if isinstance(line, BadLine):
            too_long = line is BadLine.TOO_LONG
            return self._auth_over(
                replies.authentication_line_too_long() if too_long else replies.authentication_malformed()
            )
        if self._is_out_of_sync:
            return self._not_synchronised()
        if line == b"*":
            return self._auth_over(replies.authentication_cancelled())
        return self._ask(AuthLine(line))

    @property
    def _is_out_of_sync(self) -> bool:
        """Whether the client sent input before a reply for which it had to wait (RFC 2920 §3.1).

        The input may be the content of a message or an attacker's commands; there is no way to distinguish them.
        """
        return self._config.enforce_sync and bool(self._framer.buffer)

    def _not_synchronised(self) -> Event:
        event = self._refuse(replies.not_synchronised())
        self._close()
        return event

    def _auth_over(self, reply: Reply) -> Event:
        self._state = SmtpState.READY
        return AuthCancelled(self._given(self._counters.bad(reply)))

    def _read_body(self) -> Event | Wait:
        message = self._message
        if message is None:
            raise SessionMisuse("no message was begun")
        data = message.read(self._framer.buffer)
        if message.part_finished:
            self._queue.extend(self._part_finished(message))
        if data:
            return BodyChunk(data)
        return self._queue.popleft() if self._queue else NEED_DATA

    def _read_skipped(self) -> Event | Wait:
        self._skipped.skip(self._framer.buffer)
        if not self._skipped.finished:
            return NEED_DATA
        self._state = self._after_skip
        return self._read_command()

    # --- commands

    def _on_hello(self, hello: Helo | Ehlo) -> Event:
        extensions = offers(self._config, self.tls_active) if isinstance(hello, Ehlo) else ()
        acceptance = replies.hello(self._config.hostname, extensions)
        if self._state is not SmtpState.START:  # RFC 5321 §4.1.4 allows it, but nobody needs it often
            acceptance = self._counters.bad(acceptance)
        return self._ask(Greeted(hello, acceptance)) if acceptance.is_positive else self._refuse(acceptance)

    def _on_mail(self, mail: Mail) -> Event:
        refusal = refusal_of_mail(
            mail, self._config, tls_active=self.tls_active, is_authenticated=self.is_authenticated
        )
        if refusal is None:
            return self._ask(MailFrom(mail))
        # A client may learn the limit of the size by trying.
        return self._idle(refusal) if refusal.code == codes.STORAGE_EXCEEDED else self._bad(refusal)

    def _on_rcpt(self, rcpt: Rcpt) -> Event:
        if len(self._recipients) >= self._config.max_recipients:
            return self._idle(replies.too_many_recipients())
        return self._ask(RcptTo(rcpt))

    def _on_data(self, data: Data) -> Event:
        if self._mail.body is BodyType.BINARY_MIME:
            return self._bad(replies.binary_needs_chunks())
        return self._ask_for_message(chunked=False)

    def _on_bdat(self, bdat: Bdat) -> Event | Wait:
        if not self._config.chunking:
            self._skip(bdat, self._state)
            return self._bad(replies.unknown_command())
        if self._message is not None:
            self._message.begin_chunk(bdat)
            self._state = SmtpState.BODY
            return self._read_body()
        self._bdat = bdat
        return self._ask_for_message(chunked=True)

    def _on_rset(self, rset: Rset) -> Event:
        self._abort_transaction()
        self._queue.append(self._on_idle(rset))
        return self._queue.popleft()

    def _on_idle(self, command: Command) -> Event:
        """Answer a command that does not help to deliver mail."""
        reply = self._counters.idle(_IDLE[type(command)]())
        return Answered(command, self._given(reply))

    def _on_quit(self, command: Quit) -> Event:
        return self._ask(QuitRequested())

    def _on_starttls(self, command: StartTls) -> Event:
        if self.tls_active:
            return self._bad(replies.tls_already_active())
        if not self._config.tls_offered:
            return self._bad(replies.tls_not_offered())
        return self._ask(StartTlsRequested())

    def _on_auth(self, auth: Auth) -> Event:
        if self.is_authenticated:
            return self._bad(replies.already_authenticated())
        if not self._config.mechanisms:
            return self._bad(replies.authentication_not_offered())
        if not self.tls_active:
            return self._bad(replies.encryption_required())
        if auth.mechanism not in self._config.mechanisms:
            return self._bad(replies.mechanism_not_offered())
        return self._ask(AuthStarted(auth.mechanism, auth.initial))

    # --- answers of the caller

    def _greeted(self, question: Greeted, accepted: bool, code: int) -> None:
        if accepted:
            self._hello = question.hello
            self._abort_transaction()  # RFC 5321 §4.1.4: EHLO resets like RSET
            self._state = SmtpState.READY

    def _mail_answered(self, question: MailFrom, accepted: bool, code: int) -> None:
        if accepted:
            self._mail = question.mail
            self._state = SmtpState.MAIL

    def _rcpt_answered(self, question: RcptTo, accepted: bool, code: int) -> None:
        if accepted:
            self._recipients.append(question.rcpt)
            self._state = SmtpState.RCPT

    def _start_answered(self, question: StartData, accepted: bool, code: int) -> None:
        bdat, self._bdat = self._bdat, None
        if not accepted:
            self._forget_transaction()
            if bdat is not None:
                self._skip(bdat, SmtpState.CHUNKS_FAILED)
            return
        self._message = IncomingMessage(question.transaction, self._config)
        self._state = SmtpState.BODY
        if bdat is None:
            self._message.begin_data(self._framer.buffer)
        else:
            self._message.begin_chunk(bdat)

    def _end_answered(self, question: BodyEnd, accepted: bool, code: int) -> None:
        if accepted and question.refusal is not None:
            raise SessionMisuse("a message that was cut off cannot be accepted")
        if accepted:
            self._counters.message_accepted()
        self._forget_transaction()

    def _starttls_answered(self, question: StartTlsRequested, accepted: bool, code: int) -> None:
        if accepted:
            self.injected += self._framer.clear()  # RFC 3207 §4, CVE-2011-0411
            self._state = SmtpState.TLS

    def _auth_answered(self, question: AuthStarted | AuthLine, accepted: bool, code: int) -> None:
        self._state = SmtpState.AUTH if code == codes.CONTINUE_AUTHENTICATION else SmtpState.READY
        if code == codes.AUTHENTICATION_SUCCEEDED:
            self.is_authenticated = True

    def _quit_answered(self, question: QuitRequested, accepted: bool, code: int) -> None:
        self._close()

    # --- the message

    def _ask_for_message(self, chunked: bool) -> Event:
        return self._ask(StartData(SmtpTransaction(self._hello, self._mail, tuple(self._recipients)), chunked))

    def _part_finished(self, message: IncomingMessage) -> list[Event]:
        """The event when all octets of DATA or of a chunk are read."""
        bdat, refusal = message.bdat, message.refusal
        if bdat is None or bdat.last:
            return [self._ask(message.end())]
        if refusal is None:
            self._state = SmtpState.CHUNKS
            reply = replies.chunk_received(bdat.size)
            return [Answered(bdat, self._given(reply if bdat.size else self._counters.idle(reply)))]
        self._forget_transaction()
        self._state = SmtpState.CHUNKS_FAILED
        return [TransactionAborted(), self._refuse(refusal)]

    def _skip(self, bdat: Bdat, after: SmtpState) -> None:
        """Skip the octets of a refused chunk, which are sent anyway and are no commands (RFC 3030 §2).

        The last chunk ends the failed message.
        """
        self._skipped = ChunkDecoder(bdat.size)
        self._after_skip = SmtpState.READY if bdat.last and after is SmtpState.CHUNKS_FAILED else after
        self._state = SmtpState.SKIP

    def _abort_transaction(self) -> None:
        if self._state in IN_TRANSACTION:
            self._queue.append(TransactionAborted())
        if self._state is not SmtpState.START:
            self._forget_transaction()

    def _forget_transaction(self) -> None:
        self._mail, self._recipients, self._message = Mail(None), [], None
        self._state = SmtpState.READY

    # --- replies

    def _ask(self, question: Question) -> Question:
        self._question = question
        return question

    def _out_of_place(self, command: Command) -> Event:
        kind, state = type(command), self._state
        if isinstance(command, Bdat):
            self._skip(command, state)
        reply = refusal_of(kind, state)
        return self._idle(reply) if is_innocent(kind, state) else self._bad(reply)

    def _broken(self, error: CommandError) -> Event:
        event = self._bad(error.reply)
        if error.closes:
            self._close()
        return event

    def _bad(self, reply: Reply) -> Event:
        return self._refuse(self._counters.bad(reply))

    def _idle(self, reply: Reply) -> Event:
        return self._refuse(self._counters.idle(reply))

    def _refuse(self, reply: Reply) -> Event:
        return RefusedCommand(self._given(reply))

    def _given(self, reply: Reply) -> Reply:
        """The reply as it is sent. After 421 the server closes (RFC 5321 §3.8)."""
        reply = self.last_reply = self._counters.referenced(reply)
        if reply.code == codes.SERVICE_NOT_AVAILABLE:
            self._close()
        return reply

    def _close(self) -> None:
        self._framer.clear()
        self._state = SmtpState.CLOSED


_READERS: Final[Mapping[SmtpState, Callable[[ServerSession], Event | Wait]]] = {
    SmtpState.START: ServerSession._read_command,
    SmtpState.READY: ServerSession._read_command,
    SmtpState.MAIL: ServerSession._read_command,
    SmtpState.RCPT: ServerSession._read_command,
    SmtpState.CHUNKS: ServerSession._read_command,
    SmtpState.CHUNKS_FAILED: ServerSession._read_command,
    SmtpState.BODY: ServerSession._read_body,
    SmtpState.SKIP: ServerSession._read_skipped,
    SmtpState.AUTH: ServerSession._read_auth,
    SmtpState.TLS: lambda session: Wait.TLS,
    SmtpState.CLOSED: lambda session: Wait.CLOSED,
}
_HANDLERS: Final[Mapping[type[Command], Callable[[ServerSession, Any], Event | Wait]]] = {
    Helo: ServerSession._on_hello,
    Ehlo: ServerSession._on_hello,
    Mail: ServerSession._on_mail,
    Rcpt: ServerSession._on_rcpt,
    Data: ServerSession._on_data,
    Bdat: ServerSession._on_bdat,
    Rset: ServerSession._on_rset,
    Noop: ServerSession._on_idle,
    Vrfy: ServerSession._on_idle,
    Expn: ServerSession._on_idle,
    Help: ServerSession._on_idle,
    Quit: ServerSession._on_quit,
    StartTls: ServerSession._on_starttls,
    Auth: ServerSession._on_auth,
}
_ANSWERS: Final[Mapping[type[Question], Callable[[ServerSession, Any, bool, int], None]]] = {
    Greeted: ServerSession._greeted,
    MailFrom: ServerSession._mail_answered,
    RcptTo: ServerSession._rcpt_answered,
    StartData: ServerSession._start_answered,
    BodyEnd: ServerSession._end_answered,
    StartTlsRequested: ServerSession._starttls_answered,
    AuthStarted: ServerSession._auth_answered,
    AuthLine: ServerSession._auth_answered,
    QuitRequested: ServerSession._quit_answered,
}

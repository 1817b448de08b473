"""The client's side of an SMTP session as a protocol object: bytes in, events out, bytes out. It does no I/O.

    session = ClientSession(SessionOptions(hello_name="mx.example.org"))
    while not session.closed:
        while (event := session.next_event()) is not None:
            match event:
                case TlsNeeded(): write(session.output()); await handshake(); session.tls_established()
                case Ready(): session.send(transaction), or session.quit()
                case BodyNeeded(): session.body(octets) …; session.end_body()
                case TransactionDone() | SessionFailed(): record(event.results)
        write(session.output())
        session.receive(await read(within=session.timeout)), or session.end_of_input(), or session.time_out()

The timer for ``timeout`` starts anew when ``waits`` changes, and not with each octet, so a server cannot extend a wait
by sending slowly. How the bytes are cut makes no difference. The session reads one reply for each command (RFC 2920
§3.1).
"""

from shared.protocol.smtp import codes
from shared.protocol.smtp.client.capabilities import Capabilities
from shared.protocol.smtp.client.commands import command_line
from shared.protocol.smtp.client.conversation import Conversation, PendingCommand
from shared.protocol.smtp.client.events import ClientEvent, SessionClosed, SessionFailed, TransactionDone
from shared.protocol.smtp.client.opening import Opening
from shared.protocol.smtp.client.options import SessionOptions
from shared.protocol.smtp.client.outcome import FailureCause, RecipientResult, SessionFailure
from shared.protocol.smtp.client.outgoing_body import ChunkSender, DataSender
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transaction import OutgoingTransaction, plan
from shared.protocol.smtp.client.transaction_exchange import TransactionExchange
from shared.protocol.smtp.client.transcript import TranscriptLine
from shared.protocol.smtp.commands import Quit
from shared.protocol.smtp.events import SessionMisuse
from shared.protocol.smtp.reply import Reply

# After these failures the session sends QUIT where the server waits for a command (RFC 5321 §3.1, §4.1.1.10).
_ENDS_WITH_QUIT = frozenset(
    {
        FailureCause.CONNECT_REFUSED,
        FailureCause.HELLO_REFUSED,
        FailureCause.TLS_NOT_OFFERED,
        FailureCause.TLS_REFUSED,
        FailureCause.AUTH_NOT_OFFERED,
        FailureCause.AUTH_REFUSED,
        FailureCause.AUTH_TEMPORARY,
    }
)


class ClientSession:
    """The session of one connection; the docstring of the module shows how to use it."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._conversation = Conversation(options.reply_limits)
        self._opening = Opening(options, self._conversation)
        self._exchange: TransactionExchange | None = None
        self._transactions = 0
        self._has_failed_reset = False  # after a refused RSET no further mail is sent
        self.closed = False

    # --- what the caller asks

    @property
    def capabilities(self) -> Capabilities:
        """The extensions of the last EHLO."""
        return self._opening.capabilities

    @property
    def tls_active(self) -> bool:
        """Whether the connection is encrypted."""
        return self._opening.tls_active

    @property
    def stage(self) -> Stage:
        """What the session waits for."""
        return self._conversation.current_stage

    @property
    def timeout(self) -> float | None:
        """Seconds that the present wait may take (RFC 5321 §4.5.3.2); None while only the caller is waited for."""
        return None if self.closed else self._options.timeouts.of(self.stage)

    @property
    def waits(self) -> int:
        """The number of the present wait: the timer starts anew when it changes."""
        return self._conversation.waits

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is in progress and no reply is outstanding; then ``quit`` may be called."""
        is_open = self._opening.is_ready and not self.closed and self._exchange is None
        return is_open and self._conversation.is_settled and not self._conversation.has_input

    @property
    def is_reusable(self) -> bool:
        """Whether another transaction may be sent now: the session is idle, RSET never failed, and LIMITS allows it."""
        limit = self.capabilities.limits.mail_max
        is_below_limit = limit is None or self._transactions < limit  # RFC 9422 §4.1
        return self.is_idle and not self._has_failed_reset and is_below_limit

    @property
    def takes_body(self) -> bool:
        """Whether octets of a message are sent; False also after the message was refused."""
        return self._exchange is not None and self._exchange.takes_body

    @property
    def body_room(self) -> bool:
        """Whether more of the message may be given before the next reply, without being kept here."""
        return self._exchange is None or self._exchange.body_room

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """What was said, without secrets: the first and the last lines."""
        return self._conversation.transcript.lines

    def clear_transcript(self) -> None:
        """Begin a new transcript, for the next message on this connection."""
        self._conversation.transcript.clear()

    # --- what happens on the connection

    def receive(self, octets: bytes) -> None:
        """Take octets from the server."""
        if self.closed or not octets:
            return
        self._conversation.receive(octets)
        try:
            while not self.closed:
                if self._opening.awaits_handshake and self._conversation.has_input:
                    raise SessionFailure(FailureCause.PLAINTEXT_INJECTED)
                reply = self._conversation.next_reply()
                if reply is None:
                    return
                self._take(reply)
        except SessionFailure as failure:
            self._fail(failure)

    def end_of_input(self) -> None:
        """The server closed the connection, or it broke."""
        self._end_early(FailureCause.CUT)

    def time_out(self) -> None:
        """The wait took longer than ``timeout``. Nothing more is sent; the caller closes the connection."""
        self._end_early(FailureCause.TIME_OUT)

    def tls_established(self) -> None:
        """The handshake is done. Raises SessionMisuse."""
        if self.closed:
            return
        if not self._opening.awaits_handshake:
            raise SessionMisuse("no handshake was asked for")
        self._conversation.transcript.client(b"(TLS is active)")
        self._opening.tls_established()

    def tls_failed(self, text: str) -> None:
        """The handshake failed; ``text`` says why."""
        if not self.closed:
            self._fail(SessionFailure(FailureCause.TLS_FAILED, text=text))

    def output(self) -> bytes:
        """The octets to write now. The end of a message counts as sent when this has returned it."""
        return self._conversation.output()

    def next_event(self) -> ClientEvent | None:
        """The next event, or None while the server or the caller must do something."""
        events = self._conversation.events
        return events.popleft() if events else None

    # --- what the caller wants

    def send(self, transaction: OutgoingTransaction) -> None:
        """Begin a transaction. TransactionDone or SessionFailed has its results. Raises SessionMisuse."""
        if not self.is_reusable:
            raise SessionMisuse("the session does not take a transaction now")
        options, capabilities = self._options, self.capabilities
        envelope = plan(transaction, capabilities, self.tls_active, options.prefer_chunking)
        chunks = ChunkSender(self._conversation, options.chunk_size)
        exchange = TransactionExchange(
            transaction,
            envelope,
            self._conversation,
            chunks if envelope.chunked else DataSender(self._conversation),
            lmtp=options.lmtp,
            dsn=capabilities.dsn,
            on_done=self._transaction_done,
        )
        chunks.on_refused = exchange.chunk_refused
        self._exchange = exchange
        self._transactions += bool(envelope.rcpts)
        exchange.begin()

    def body(self, octets: bytes) -> None:
        """Send octets of the message, cut anywhere. They are ignored when the message was refused meanwhile."""
        if self._exchange is not None and self._exchange.takes_body:
            self._guarded_body(self._exchange, octets)

    def end_body(self) -> None:
        """The message is complete. The call is ignored when the message was refused meanwhile."""
        if self._exchange is not None and self._exchange.takes_body:
            self._guarded_body(self._exchange, None)

    def quit(self) -> None:
        """End the session in order; SessionClosed follows. Raises SessionMisuse during a transaction."""
        if self.closed:
            return
        if not self.is_idle:
            raise SessionMisuse("the session is not idle")
        self._conversation.send(PendingCommand(Stage.QUIT, command_line(Quit()), lambda reply: self._close()))

    # --- inside

    def _take(self, reply: Reply) -> None:
        stage = self._conversation.current_stage
        command = self._conversation.answered(reply)
        is_closing = reply.code == codes.SERVICE_NOT_AVAILABLE and stage not in (Stage.GREETING, Stage.QUIT)
        if is_closing:
            self._fail(SessionFailure(FailureCause.CLOSING, reply), stage)
            return
        try:
            if command is not None:
                command.on_reply(reply)
            elif self._exchange is not None:
                self._exchange.early_reply(reply)
            else:
                raise SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "a reply came without a command")
            self._conversation.continue_sending()
        except SessionFailure as failure:
            self._fail(failure, stage)

    def _guarded_body(self, exchange: TransactionExchange, octets: bytes | None) -> None:
        try:
            if octets is None:
                exchange.end_body()
            else:
                exchange.take_body(octets)
        except SessionFailure as failure:
            self._fail(failure)

    def _transaction_done(self, results: tuple[RecipientResult, ...], reusable: bool) -> None:
        self._exchange = None
        self._has_failed_reset = self._has_failed_reset or not reusable
        self._conversation.events.append(TransactionDone(results, self.is_reusable))

    def _end_early(self, cause: FailureCause) -> None:
        if self.closed:
            return
        if self.stage is Stage.QUIT:
            self._close()
        else:
            self._fail(SessionFailure(cause))

    def _fail(self, failure: SessionFailure, stage: Stage | None = None) -> None:
        stage = stage or self.stage
        results = self._exchange.fail(failure, stage) if self._exchange is not None else ()
        self._exchange = None
        self._stop()
        events = self._conversation.events
        kept = [event for event in events if isinstance(event, TransactionDone)]  # their results count
        events.clear()
        events.extend([*kept, SessionFailed(stage, failure.cause, failure.reply, failure.text, results)])
        if _waits_for_command(failure):
            self._conversation.send_last(command_line(Quit()))

    def _close(self) -> None:
        self._stop()
        self._conversation.events.append(SessionClosed())

    def _stop(self) -> None:
        self.closed = True
        self._conversation.stop()


def _waits_for_command(failure: SessionFailure) -> bool:
    """Whether the server waits for a command: it neither closes the connection nor waits for a response of AUTH."""
    code = failure.reply.code if failure.reply is not None else 0
    return failure.cause in _ENDS_WITH_QUIT and code not in (
        codes.SERVICE_NOT_AVAILABLE,
        codes.CONTINUE_AUTHENTICATION,
    )

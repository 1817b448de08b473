"""One transaction in progress: sends the envelope and the message, and collects a result for each recipient."""

from collections.abc import Callable
from functools import partial
from typing import Final

from shared.protocol.smtp import codes
from shared.protocol.smtp.client.commands import command_line
from shared.protocol.smtp.client.conversation import Conversation, PendingCommand
from shared.protocol.smtp.client.events import BodyNeeded
from shared.protocol.smtp.client.opening import unexpected
from shared.protocol.smtp.client.outcome import FailureCause, RecipientResult, ResultKind, SessionFailure
from shared.protocol.smtp.client.outgoing_body import BodySender
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transaction import EnvelopeCommands, OutgoingTransaction
from shared.protocol.smtp.commands import Data, Rset
from shared.protocol.smtp.reply import Reply

_DATA: Final = command_line(Data())
_RSET: Final = command_line(Rset())
_TOO_MANY: Final = f"5.{codes.TOO_MANY_RECIPIENTS}"


class TransactionExchange:
    """The state of one transaction, until it calls ``on_done``. Its methods raise SessionFailure."""

    def __init__(
        self,
        transaction: OutgoingTransaction,
        envelope: EnvelopeCommands,
        conversation: Conversation,
        body: BodySender,
        *,
        lmtp: bool,
        dsn: bool,
        on_done: Callable[[tuple[RecipientResult, ...], bool], None],
    ) -> None:
        self._recipients = transaction.recipients
        self._envelope = envelope
        self._conversation = conversation
        self._body = body
        self._lmtp = lmtp
        self._dsn = dsn
        self._on_done = on_done
        self._results: dict[int, RecipientResult] = {}
        self._accepted: list[int] = []  # recipients that the server accepted, in order
        self._mail_accepted = False
        self._chunk_was_refused = False
        for index, kind, text in envelope.unsent:
            self._settle(index, kind, Stage.MAIL, None, text=text)

    @property
    def results(self) -> tuple[RecipientResult, ...]:
        return tuple([self._results[index] for index in sorted(self._results)])

    @property
    def takes_body(self) -> bool:
        """Whether octets of the message are sent. After a refusal they are ignored."""
        return self._body.is_open

    @property
    def body_room(self) -> bool:
        return self._body.has_room

    def begin(self) -> None:
        """Send the envelope, in a single write where the server offers PIPELINING (RFC 2920)."""
        envelope = self._envelope
        if not envelope.rcpts:
            self._done(True)
            return
        commands = [PendingCommand(Stage.MAIL, envelope.mail, self._mail_answered)]
        commands += [
            PendingCommand(Stage.RCPT, line, partial(self._rcpt_answered, index)) for index, line in envelope.rcpts
        ]
        if self._conversation.window > 1 and not (envelope.chunked or self._lmtp):
            commands.append(self._data_command())
        self._conversation.send_all(commands)

    def take_body(self, octets: bytes) -> None:
        self._body.take(octets)

    def end_body(self) -> None:
        """End the message; LMTP answers for each recipient (RFC 2033 §4.2)."""
        if self._lmtp:
            self._body.end([partial(self._recipient_answered, index) for index in self._accepted])
        else:
            self._body.end([self._end_answered])

    def chunk_refused(self, reply: Reply) -> None:
        """A chunk was refused (RFC 3030 §2): the replies to the chunks already sent are read, then RSET is sent."""
        self._chunk_was_refused = True
        self._settle_accepted(reply, Stage.BODY)
        self._conversation.drop_unsent()
        self._proceed()

    def early_reply(self, reply: Reply) -> None:
        """A reply while the message is sent. A refusal counts, and the session ends: further replies are ambiguous."""
        if reply.code < 400:
            raise unexpected(reply)
        self._settle_accepted(reply, Stage.BODY)
        raise SessionFailure(FailureCause.EARLY_REFUSAL, reply)

    def fail(self, failure: SessionFailure, stage: Stage) -> tuple[RecipientResult, ...]:
        """The results when the session fails.

        A message whose end was sent is perhaps delivered, unless a 421 says that it is not (RFC 5321 §3.8).
        """
        is_perhaps = self._body.is_complete and failure.cause is not FailureCause.CLOSING
        kind = ResultKind.PERHAPS_DELIVERED if is_perhaps else ResultKind.DEFERRED
        if failure.cause is FailureCause.BAD_BODY:
            kind = ResultKind.UNSENDABLE
        for index in range(len(self._recipients)):
            self._settle(index, kind, stage, failure.reply, failure.cause, failure.text)
        return self.results

    # --- replies

    def _mail_answered(self, reply: Reply) -> None:
        self._mail_accepted = _is_accepted(reply)
        if not self._mail_accepted:
            for index, _ in self._envelope.rcpts:
                self._settle(index, _refusal(reply), Stage.MAIL, reply)
            self._conversation.drop_unsent()
        self._proceed()

    def _rcpt_answered(self, index: int, reply: Reply) -> None:
        if _is_accepted(reply):
            if index not in self._results:  # not after a refused MAIL
                self._accepted.append(index)
        else:
            kind = ResultKind.DEFERRED if self._is_over_limit(reply) else _refusal(reply)
            self._settle(index, kind, Stage.RCPT, reply)
        self._proceed()

    def _is_over_limit(self, reply: Reply) -> bool:
        """RFC 5321 §4.5.3.1.10: 552 for too many recipients is temporary; RFC 821 had named that code for 452."""
        is_limit = reply.code == codes.STORAGE_EXCEEDED and reply.enhanced in (None, _TOO_MANY)
        return is_limit and bool(self._accepted)

    def _data_answered(self, reply: Reply) -> None:
        if reply.code == codes.START_MAIL_INPUT:
            self._start_body()
            return
        if reply.code < 400:
            raise unexpected(reply)
        self._settle_accepted(reply, Stage.DATA)
        self._proceed()

    def _start_body(self) -> None:
        if not self._accepted:  # RFC 2920 §3.1: a lone dot, which delivers to nobody
            self._body.send_nothing(lambda reply: self._done(True))
            return
        self._body.open()
        self._conversation.stage = Stage.BODY
        self._conversation.events.append(BodyNeeded(self._envelope.chunked))

    def _end_answered(self, reply: Reply) -> None:
        if _is_accepted(reply):
            for index in self._accepted:
                self._settle(index, ResultKind.ACCEPTED, Stage.END, reply)
        else:
            self._settle_accepted(reply, Stage.END)
        self._done_or_reset()

    def _recipient_answered(self, index: int, reply: Reply) -> None:
        kind = ResultKind.ACCEPTED if _is_accepted(reply) else _refusal(reply)
        self._settle(index, kind, Stage.END, reply)
        if self._conversation.is_settled:
            self._done_or_reset()

    # --- next steps

    def _proceed(self) -> None:
        """After the last outstanding reply: send the message, or end the transaction."""
        if not self._conversation.is_settled:
            return
        if not any(index not in self._results for index in self._accepted):
            self._reset()
        elif self._envelope.chunked:
            self._start_body()
        else:
            self._conversation.send(self._data_command())

    def _data_command(self) -> PendingCommand:
        return PendingCommand(Stage.DATA, _DATA, self._data_answered)

    def _reset(self) -> None:
        """Send RSET when the server accepted MAIL; else the transaction has ended already."""
        if not self._mail_accepted:
            self._done(True)
            return
        self._body.close()
        reset = PendingCommand(Stage.RESET, _RSET, lambda reply: self._done(reply.code == codes.OK))
        self._conversation.send(reset)

    def _done_or_reset(self) -> None:
        """After a refused chunk only RSET is allowed (RFC 3030 §2)."""
        if self._chunk_was_refused:
            self._reset()
        else:
            self._done(True)

    def _done(self, reusable: bool) -> None:
        self._conversation.stage = Stage.IDLE
        self._on_done(self.results, reusable)

    def _settle_accepted(self, reply: Reply, stage: Stage) -> None:
        for index in self._accepted:
            self._settle(index, _refusal(reply), stage, reply)

    def _settle(
        self,
        index: int,
        kind: ResultKind,
        stage: Stage,
        reply: Reply | None,
        cause: FailureCause | None = None,
        text: str = "",
    ) -> None:
        """Set the result of a recipient; the first one counts."""
        if index not in self._results:
            dsn_passed = self._dsn and kind is ResultKind.ACCEPTED
            recipient = self._recipients[index]
            self._results[index] = RecipientResult(recipient, kind, stage, reply, cause, dsn_passed, text)


def _is_accepted(reply: Reply) -> bool:
    """Whether a reply is 2xx. Raises SessionFailure for 3xx, which no command here has but DATA."""
    if 300 <= reply.code < 400:
        raise unexpected(reply)
    return reply.code < 300


def _refusal(reply: Reply) -> ResultKind:
    return ResultKind.DEFERRED if reply.is_transient else ResultKind.REFUSED

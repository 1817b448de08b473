"""Counts bad commands, idle commands and refused recipients of a client, and gives every refusal its reference."""

from collections.abc import Callable, Mapping
from typing import Final

from shared.protocol.smtp import codes, replies
from shared.protocol.smtp.config import SessionConfig
from shared.protocol.smtp.events import AuthLine, AuthStarted, MailFrom, Question, RcptTo
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply, with_reference


class SessionCounters:
    """The counters of one session, which are reset by each accepted message.

    A reply that is returned as 421 ends the session.
    """

    __slots__ = ("_bad", "_config", "_idle", "_refusals", "refused_recipients")

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._bad = self._idle = self._refusals = 0
        self.refused_recipients = 0

    def bad(self, reply: Reply) -> Reply:
        """The reply to another bad command."""
        self._bad += 1
        return reply if self._bad <= self._config.max_bad_commands else replies.too_many_bad_commands()

    def idle(self, reply: Reply) -> Reply:
        """The reply to another command that does not help to deliver mail."""
        self._idle += 1
        return reply if self._idle <= self._config.max_idle_commands else replies.too_many_idle_commands()

    def answered(self, question: Question, reply: Reply) -> Reply:
        """The caller's answer, or 421 when there were too many refusals."""
        if reply.is_positive:
            return reply
        if reply.code in _OUR_FAULT:
            return self.idle(reply)
        return _COUNTED.get(type(question), SessionCounters.idle)(self, reply)

    def _refused_recipient(self, reply: Reply) -> Reply:
        self.refused_recipients += 1
        return self.bad(reply)

    def message_accepted(self) -> None:
        """Reset the counters, because the client has delivered a message."""
        self._bad = self._idle = self.refused_recipients = 0

    def referenced(self, reply: Reply) -> Reply:
        """The reply as it is sent: a refusal gets a reference."""
        if reply.code < 400 or reply.reference is not None or self._config.session_id is None:
            return reply
        self._refusals += 1
        return with_reference(reply, reference(self._config.session_id, self._refusals))


# How a refusal by the caller is counted; others count as idle commands. A client that guesses addresses has many
# refused recipients.
_COUNTED: Final[Mapping[type[Question], Callable[[SessionCounters, Reply], Reply]]] = {
    MailFrom: SessionCounters.bad,
    RcptTo: SessionCounters._refused_recipient,
    AuthStarted: SessionCounters.bad,
    AuthLine: SessionCounters.bad,
}
# The server lacks something, so the client has done nothing wrong.
_OUR_FAULT: Final = frozenset({codes.LOCAL_ERROR, codes.INSUFFICIENT_STORAGE})

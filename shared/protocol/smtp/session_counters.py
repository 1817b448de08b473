"""How a client behaves: bad commands, idle ones and refused recipients are counted, and every refusal gets its
reference.
"""

from collections.abc import Callable, Mapping
from typing import Final

from shared.protocol.smtp import codes, replies
from shared.protocol.smtp.config import SessionConfig
from shared.protocol.smtp.events import AuthLine, AuthStarted, MailFrom, Question, RcptTo
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply, with_reference


class SessionCounters:
    """The counters of one session, which begin again at each accepted message. A reply that comes back as 421 ends
    the session.
    """

    __slots__ = ("_bad", "_config", "_idle", "_refusals", "refused_recipients")

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._bad = self._idle = self._refusals = 0
        self.refused_recipients = 0

    def bad(self, reply: Reply) -> Reply:
        """The reply to one more bad command."""
        self._bad += 1
        return reply if self._bad <= self._config.max_bad_commands else replies.too_many_bad_commands()

    def idle(self, reply: Reply) -> Reply:
        """The reply to one more command that brings no mail nearer."""
        self._idle += 1
        return reply if self._idle <= self._config.max_idle_commands else replies.too_many_idle_commands()

    def answered(self, question: Question, reply: Reply) -> Reply:
        """The shell's answer, or 421 when it is one refusal too many."""
        if reply.is_positive:
            return reply
        if reply.code in _OUR_FAULT:
            return self.idle(reply)
        return _COUNTED.get(type(question), SessionCounters.idle)(self, reply)

    def _refused_recipient(self, reply: Reply) -> Reply:
        self.refused_recipients += 1
        return self.bad(reply)

    def message_accepted(self) -> None:
        """A client that brings mail may be refused as often again."""
        self._bad = self._idle = self.refused_recipients = 0

    def referenced(self, reply: Reply) -> Reply:
        """The reply as it is sent: a refusal has a reference."""
        if reply.code < 400 or reply.reference is not None or self._config.session_id is None:
            return reply
        self._refusals += 1
        return with_reference(reply, reference(self._config.session_id, self._refusals))


# What a refusal by the shell counts as; the others bring no mail nearer. Who guesses has many refused recipients.
_COUNTED: Final[Mapping[type[Question], Callable[[SessionCounters, Reply], Reply]]] = {
    MailFrom: SessionCounters.bad,
    RcptTo: SessionCounters._refused_recipient,
    AuthStarted: SessionCounters.bad,
    AuthLine: SessionCounters.bad,
}
# The server lacks something: the client has done nothing wrong.
_OUR_FAULT: Final = frozenset({codes.LOCAL_ERROR, codes.INSUFFICIENT_STORAGE})

"""How a client behaves: bad commands are counted, idle ones as well, and every refusal gets its reference."""

from shared.protocol.smtp import replies
from shared.protocol.smtp.config import SessionConfig
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply, with_reference


class Standing:
    """The counters of one session. A reply that comes back as 421 ends it."""

    __slots__ = ("_bad", "_config", "_idle", "_refusals")

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._bad = self._idle = self._refusals = 0

    def bad(self, reply: Reply) -> Reply:
        """The reply to one more bad command."""
        self._bad += 1
        return reply if self._bad <= self._config.max_bad_commands else replies.too_many_bad_commands()

    def idle(self, reply: Reply) -> Reply:
        """The reply to one more command that brings no mail nearer; too many of them are bad commands."""
        self._idle += 1
        return reply if self._idle <= self._config.max_idle_commands else self.bad(reply)

    def message_accepted(self) -> None:
        """What was idle before a message is forgiven."""
        self._idle = 0

    def referenced(self, reply: Reply) -> Reply:
        """The reply as it is sent: a refusal has a reference."""
        if reply.code < 400 or reply.reference is not None or self._config.session_id is None:
            return reply
        self._refusals += 1
        return with_reference(reply, reference(self._config.session_id, self._refusals))

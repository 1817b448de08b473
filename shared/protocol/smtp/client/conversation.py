"""Pairs the commands of a session with the replies of the server.

Replies come in the order of the commands, one each (RFC 2920 §3.1), so a command that was sent waits in a queue for
its reply.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from shared.protocol.smtp import codes
from shared.protocol.smtp.client.events import ClientEvent
from shared.protocol.smtp.client.outcome import FailureCause, SessionFailure
from shared.protocol.smtp.client.replies import BadReply, ReplyLimits, ReplyReader
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transcript import Transcript
from shared.protocol.smtp.reply import Reply

OnReply = Callable[[Reply], None]
_CRLF: Final = b"\r\n"


class PendingCommand(msgspec.Struct, frozen=True):
    """A command, and what happens with its reply.

    ``payload`` is sent behind its line. ``shown`` is the line in the transcript, without secrets. ``further`` are for
    the replies that follow the first one, in LMTP.
    """

    stage: Stage
    line: bytes
    on_reply: OnReply
    payload: bytes = b""
    shown: bytes = b""
    further: tuple[OnReply, ...] = ()


class Conversation:
    """The octets to send, the commands in order, and the events for the caller."""

    def __init__(self, limits: ReplyLimits) -> None:
        self.transcript = Transcript()
        self.events: deque[ClientEvent] = deque()
        self.stage = Stage.GREETING  # when no command waits for its reply
        self.window = 1  # commands that may wait for a reply at the same time
        self.waits = 0  # the number of the present wait
        self._reader = ReplyReader(limits, self.transcript.server)
        self._output: list[bytes] = []
        self._unsent: deque[PendingCommand] = deque()
        self._unanswered: deque[PendingCommand] = deque()
        self._is_early = False  # octets of the next reply came before its command was sent

    @property
    def current_stage(self) -> Stage:
        """What the first unanswered command waits for; without one, what the session does."""
        return self._unanswered[0].stage if self._unanswered else self.stage

    @property
    def is_settled(self) -> bool:
        """Whether every command was sent and answered."""
        return not self._unanswered and not self._unsent

    @property
    def has_unsent(self) -> bool:
        """Whether a command or its octets were not handed to the caller yet."""
        return bool(self._unsent or self._output)

    @property
    def has_input(self) -> bool:
        """Whether octets of the server were received that do not form a whole reply yet."""
        return not self._reader.is_empty

    def receive(self, octets: bytes) -> None:
        """Take octets of the server."""
        self._reader.buffer += octets

    def next_reply(self) -> Reply | None:
        """The next reply of the server. Raises SessionFailure."""
        outcome = self._reader.next_reply()
        if isinstance(outcome, BadReply):
            raise SessionFailure(FailureCause.PROTOCOL_ERROR, text=outcome.value)
        return outcome

    def expect(self, stage: Stage, on_reply: OnReply, *further: OnReply) -> None:
        """Wait for replies that follow no command: the greeting, and the reply to the end of a message."""
        self._push(PendingCommand(stage, b"", on_reply, further=further))

    def send(self, command: PendingCommand) -> None:
        """Send a command as soon as the window allows."""
        self._unsent.append(command)
        self._advance()

    def send_all(self, commands: list[PendingCommand]) -> None:
        """Send commands in order."""
        self._unsent.extend(commands)
        self._advance()

    def drop_unsent(self) -> None:
        """Forget the commands that were not sent yet."""
        self._unsent.clear()

    def write(self, octets: bytes) -> None:
        """Send octets of a message."""
        if octets:
            self._output.append(octets)
            self.waits += 1

    def answered(self, reply: Reply) -> PendingCommand | None:
        """The command that a reply belongs to; None when no command waits. Raises SessionFailure."""
        if not self._unanswered:
            return None
        if self._is_early and reply.code != codes.SERVICE_NOT_AVAILABLE:
            raise SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "a reply came before its command")
        self._is_early = False
        self.waits += 1
        return self._unanswered.popleft()

    def continue_sending(self) -> None:
        """Send the commands for which the last reply made room."""
        self._advance()

    def output(self) -> bytes:
        """Hand out what is to be written."""
        octets = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        return octets

    def stop(self) -> None:
        """Forget everything that waits."""
        self._reader.clear()
        self._unsent.clear()
        self._unanswered.clear()
        self._output.clear()

    def send_last(self, line: bytes) -> None:
        """Send the last line of the session; its reply is not read."""
        self.transcript.client(line.removesuffix(_CRLF))
        self._output.append(line)

    def _advance(self) -> None:
        while self._unsent and len(self._unanswered) < self.window:
            self._push(self._unsent.popleft())

    def _push(self, command: PendingCommand) -> None:
        if not self._unanswered:
            self._is_early = not self._reader.is_empty
            self.waits += 1
        self._unanswered.append(command)
        self._unanswered.extend([PendingCommand(command.stage, b"", on_reply) for on_reply in command.further])
        if command.line:
            self.transcript.client(command.shown or command.line.removesuffix(_CRLF))
            self._output.append(command.line)
        if command.payload:
            self.transcript.client(b"(%d octets of the message)" % len(command.payload))
            self._output.append(command.payload)

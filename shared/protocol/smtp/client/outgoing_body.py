"""Sends the octets of one message, by DATA or by BDAT."""

from collections.abc import Callable
from typing import Protocol

from shared.protocol.smtp.client.body import BareNewlineSent, DotEncoder
from shared.protocol.smtp.client.commands import command_line
from shared.protocol.smtp.client.conversation import Conversation, OnReply, PendingCommand
from shared.protocol.smtp.client.outcome import FailureCause, SessionFailure
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.commands import Bdat
from shared.protocol.smtp.reply import Reply


class BodySender(Protocol):
    """Sends the octets of a message to the server. The methods raise SessionFailure."""

    @property
    def is_open(self) -> bool:
        """Whether octets are taken."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the end of the message was handed to the caller."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether the caller may give more octets before the next reply."""
        ...

    def open(self) -> None:
        """The server waits for the message."""
        ...

    def take(self, octets: bytes) -> None:
        """Send the next octets."""
        ...

    def end(self, on_replies: list[OnReply]) -> None:
        """End the message; the server sends these replies."""
        ...

    def send_nothing(self, on_reply: OnReply) -> None:
        """Send an empty message: the server sent 354 although no recipient was accepted."""
        ...

    def close(self) -> None:
        """Take no more octets."""
        ...


class DataSender:
    """The message of DATA (RFC 5321 §4.1.1.4)."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._encoder = DotEncoder()
        self._octets = 0
        self._ended = False
        self.is_open = False

    @property
    def is_complete(self) -> bool:
        return self._ended and not self._conversation.has_unsent

    @property
    def has_room(self) -> bool:
        return True

    def open(self) -> None:
        self.is_open = True

    def take(self, octets: bytes) -> None:
        self._octets += len(octets)
        self._write(self._encoder.encode, octets)

    def end(self, on_replies: list[OnReply]) -> None:
        self._write(lambda _: self._encoder.finish(), b"")
        self._conversation.transcript.client(b"(%d octets of the message)" % self._octets)
        self._conversation.transcript.client(b".")
        self.is_open, self._ended = False, True
        self._conversation.expect(Stage.END, *on_replies)

    def send_nothing(self, on_reply: OnReply) -> None:
        self._conversation.transcript.client(b".")
        self._conversation.write(DotEncoder().finish())
        self._conversation.expect(Stage.END, on_reply)

    def close(self) -> None:
        self.is_open = False

    def _write(self, encode: Callable[[bytes], bytes], octets: bytes) -> None:
        try:
            self._conversation.write(encode(octets))
        except BareNewlineSent:
            self.is_open = False
            raise SessionFailure(FailureCause.BAD_BODY, text=FailureCause.BAD_BODY.value) from None


class ChunkSender:
    """The message in chunks of BDAT (RFC 3030 §2): counted octets, sent as they are.

    ``on_refused`` is called with the reply to a chunk before the last that was refused.
    """

    def __init__(self, conversation: Conversation, chunk_size: int) -> None:
        self._conversation = conversation
        self._chunk_size = chunk_size
        self._kept: list[bytes] = []
        self._kept_octets = 0
        self._ended = False
        self._is_refused = False
        self.is_open = False
        self.on_refused: Callable[[Reply], None]

    @property
    def is_complete(self) -> bool:
        return self._ended and not self._conversation.has_unsent

    @property
    def has_room(self) -> bool:
        return self._conversation.is_settled or self._conversation.window > 1

    def open(self) -> None:
        self.is_open = True

    def take(self, octets: bytes) -> None:
        self._kept.append(octets)
        self._kept_octets += len(octets)
        if self._kept_octets < self._chunk_size:
            return
        kept = b"".join(self._kept)
        end = len(kept) - len(kept) % self._chunk_size
        self._kept, self._kept_octets = [kept[end:]], len(kept) - end
        for start in range(0, end, self._chunk_size):
            self._send(Bdat(self._chunk_size, False), kept[start : start + self._chunk_size], self._chunk_answered)

    def end(self, on_replies: list[OnReply]) -> None:
        self.is_open, self._ended = False, True
        payload = b"".join(self._kept)
        self._send(Bdat(len(payload), True), payload, *on_replies)

    def send_nothing(self, on_reply: OnReply) -> None:
        raise AssertionError("BDAT is sent only after an accepted recipient")

    def close(self) -> None:
        self.is_open = False

    def _send(self, bdat: Bdat, payload: bytes, on_reply: OnReply, *further: OnReply) -> None:
        stage = Stage.END if bdat.last else Stage.BODY
        self._conversation.send(PendingCommand(stage, command_line(bdat), on_reply, payload, further=further))

    def _chunk_answered(self, reply: Reply) -> None:
        if 300 <= reply.code < 400:
            raise SessionFailure(FailureCause.PROTOCOL_ERROR, reply, "the reply does not fit the command")
        if reply.code >= 400 or self._is_refused:
            self.is_open, self._is_refused = False, True
            self._kept = []
            self.on_refused(reply)

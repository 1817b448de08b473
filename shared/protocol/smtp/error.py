"""The errors of this room."""

from shared.protocol.smtp.reply import Reply


class CommandError(Exception):
    """A line from the peer is not a command; ``reply`` says so to the peer. ``closes``: what follows cannot be told
    from data.
    """

    def __init__(self, reply: Reply, closes: bool = False) -> None:
        super().__init__(reply)
        self.reply = reply
        self.closes = closes


class SessionMisuse(RuntimeError):
    """Our own side broke the protocol: an answer where none is asked for, or an acceptance of what must be refused."""

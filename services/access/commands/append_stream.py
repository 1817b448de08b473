"""The pieces of an APPEND or REPLACE as they arrive from the client."""

from __future__ import annotations

from collections import deque

from services.access.session.channel import SessionEnded
from services.access.session.session import ImapSession
from shared.protocol.imap.append_pieces import AppendPiece, AppendText
from shared.protocol.imap.commands import Append
from shared.protocol.imap.frame_event import AppendEnd, AppendLiteral
from shared.protocol.imap.parse.command import parse_append_text
from shared.protocol.imap.replace_command import Replace


class AppendStream:
    """Reads the pieces of one command. A literal must be taken or refused before the next piece is asked for."""

    def __init__(self, session: ImapSession, command: Append | Replace, first: AppendLiteral | None) -> None:
        self.command = command
        self._session = session
        self._literal = first
        self._place = command.text.place
        self._pieces: deque[AppendPiece] = deque(command.text.pieces)

    @property
    def is_complete(self) -> bool:
        """Whether the client has sent the whole command."""
        return self._literal is None

    @property
    def literal(self) -> AppendLiteral:
        """The announced literal of the last `LiteralPart`."""
        assert self._literal is not None
        return self._literal

    async def next(self) -> AppendPiece | None:
        """The next piece, or None at the end of the command. Raises ImapSyntaxError, SessionEnded."""
        if not self._pieces and self._literal is not None:
            await self._read_on()
        return self._pieces.popleft() if self._pieces else None

    async def _read_on(self) -> None:
        match await self._session.channel.event():
            case AppendEnd(tail):
                self._literal = None
                self._take(parse_append_text(tail, self.command, self._place, cut=False))
            case AppendLiteral() as literal:
                self._literal = literal
                self._take(parse_append_text(literal.head, self.command, self._place, cut=True))
            case _:
                raise SessionEnded("Out of step")

    def _take(self, text: AppendText) -> None:
        self._pieces.extend(text.pieces)
        self._place = text.place

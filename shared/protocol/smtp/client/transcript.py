"""What was said in a session, for the operator: limited, and without secrets."""

import enum
from collections import deque
from typing import Final

import msgspec

FIRST_LINES: Final = 60
LAST_LINES: Final = 60
LINE_CHARACTERS: Final = 500


class Speaker(enum.Enum):
    """Who said a line of a transcript."""

    CLIENT = "C"
    SERVER = "S"


class TranscriptLine(msgspec.Struct, frozen=True, gc=False):
    """A line without its end.

    Octets that are no UTF-8 are shown as ``\\xNN``. Control characters of the server are kept: whoever shows the line
    must escape them.
    """

    speaker: Speaker
    text: str


class Transcript:
    """Keeps the first and the last lines, and the number of those between that were dropped."""

    __slots__ = ("_first", "_last", "dropped")

    def __init__(self) -> None:
        self._first: list[TranscriptLine] = []
        self._last: deque[TranscriptLine] = deque(maxlen=LAST_LINES)
        self.dropped = 0

    @property
    def lines(self) -> tuple[TranscriptLine, ...]:
        return (*self._first, *self._last)

    def client(self, text: str) -> None:
        """Note a line of the client, already without secrets."""
        self._add(TranscriptLine(Speaker.CLIENT, text[:LINE_CHARACTERS]))

    def server(self, line: bytes) -> None:
        """Note a line of the server as it was received."""
        text = line[:LINE_CHARACTERS].decode("utf-8", "backslashreplace")
        self._add(TranscriptLine(Speaker.SERVER, text[:LINE_CHARACTERS]))

    def clear(self) -> None:
        self._first.clear()
        self._last.clear()
        self.dropped = 0

    def _add(self, line: TranscriptLine) -> None:
        if len(self._first) < FIRST_LINES:
            self._first.append(line)
            return
        if len(self._last) == LAST_LINES:
            self.dropped += 1
        self._last.append(line)

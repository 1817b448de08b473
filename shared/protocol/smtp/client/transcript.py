"""What was said in a session, for the operator: limited, and without secrets."""

import enum
from collections import deque
from typing import Final

import msgspec

FIRST_LINES: Final = 60
LAST_LINES: Final = 60
LINE_OCTETS: Final = 500


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


_Entry = tuple[Speaker, bytes]


class Transcript:
    """Keeps the first and the last lines, and the number of those between that were dropped."""

    __slots__ = ("_first", "_last", "dropped")

    def __init__(self) -> None:
        self._first: list[_Entry] = []
        self._last: deque[_Entry] = deque(maxlen=LAST_LINES)
        self.dropped = 0

    @property
    def lines(self) -> tuple[TranscriptLine, ...]:
        """The kept lines, in order."""
        return tuple([_line(*entry) for entry in (*self._first, *self._last)])

    def client(self, line: bytes) -> None:
        """Note a line of the client, already without secrets."""
        self._add(Speaker.CLIENT, line)

    def server(self, line: bytes) -> None:
        """Note a line of the server as it was received."""
        self._add(Speaker.SERVER, line)

    def clear(self) -> None:
        """Forget all lines."""
        self._first.clear()
        self._last.clear()
        self.dropped = 0

    def _add(self, speaker: Speaker, line: bytes) -> None:
        entry = (speaker, line[:LINE_OCTETS])
        if len(self._first) < FIRST_LINES:
            self._first.append(entry)
            return
        if len(self._last) == LAST_LINES:
            self.dropped += 1
        self._last.append(entry)


def _line(speaker: Speaker, line: bytes) -> TranscriptLine:
    return TranscriptLine(speaker, line.decode("utf-8", "backslashreplace"))

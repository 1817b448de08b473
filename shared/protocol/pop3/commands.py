"""The commands of POP3 as values, read from lines (RFC 1939 §5 to §7, RFC 2449 §5, RFC 5034, RFC 6856)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

MOST_LINE_OCTETS = 255
"""Octets of a command with its line end (RFC 2449 §4)."""
MOST_SASL_OCTETS = 12_288
"""Octets of a line of a SASL exchange, with an initial response or without (RFC 5034 §4)."""
_MOST_DIGITS = 10


class PopSyntaxError(ValueError):
    """The line is no command that this server knows, with the arguments that the command takes; answer -ERR."""


class UserName(NamedTuple):
    """USER: the name of the log-in that PASS completes."""

    name: bytes


class PassPhrase(NamedTuple):
    """PASS: the password. It may contain spaces (RFC 1939 §7)."""

    password: bytes


class PopAuthenticate(NamedTuple):
    """AUTH: begins a SASL exchange; without a mechanism it asks for the list (RFC 5034 §4)."""

    mechanism: str = ""
    initial: bytes | None = None


class PopStartTls(NamedTuple):
    """STLS (RFC 2595 §4)."""


class PopCapabilities(NamedTuple):
    """CAPA (RFC 2449 §5)."""


class PopQuit(NamedTuple):
    """QUIT: removes the deleted messages and ends the session."""


class PopNoop(NamedTuple):
    """NOOP."""


class MaildropStatus(NamedTuple):
    """STAT: the number and the octets of the messages."""


class ListSizes(NamedTuple):
    """LIST: the size of a message, or of all."""

    number: int | None = None


class ListUniqueIds(NamedTuple):
    """UIDL: the unique id of a message, or of all."""

    number: int | None = None


class RetrieveMessage(NamedTuple):
    """RETR: a whole message."""

    number: int


class TopOfMessage(NamedTuple):
    """TOP: the header of a message and the first lines of its body."""

    number: int
    lines: int


class DeleteMessage(NamedTuple):
    """DELE: marks a message as deleted."""

    number: int


class ResetDeletions(NamedTuple):
    """RSET: unmarks all messages."""


class ChooseLanguage(NamedTuple):
    """LANG: chooses the language of the texts; without a tag it asks for the list (RFC 6856 §3)."""

    tag: str = ""


class UseUtf8(NamedTuple):
    """UTF8: the client reads messages with UTF-8 in their headers (RFC 6856 §2)."""


PopCommand = (
    UserName
    | PassPhrase
    | PopAuthenticate
    | PopStartTls
    | PopCapabilities
    | PopQuit
    | PopNoop
    | MaildropStatus
    | ListSizes
    | ListUniqueIds
    | RetrieveMessage
    | TopOfMessage
    | DeleteMessage
    | ResetDeletions
    | ChooseLanguage
    | UseUtf8
)
_Words = Sequence[bytes]


def parse_pop(line: bytes) -> PopCommand:
    """The command of a line without its end. Raises PopSyntaxError."""
    keyword, _, rest = line.partition(b" ")
    name = keyword.upper()
    if name in _OF_TEXT:
        if not rest:
            raise PopSyntaxError(f"{name.decode('ascii')} takes an argument")
        return _OF_TEXT[name](rest)
    reader = _OF_WORDS.get(name)
    if reader is None:
        raise PopSyntaxError("unknown command")
    least, most, read = reader
    words = rest.split()
    if not least <= len(words) <= most:
        raise PopSyntaxError(f"{name.decode('ascii')} takes {_count(least, most)}")
    return read(words)


def _number(word: bytes) -> int:
    """A message number, from 1."""
    number = _whole(word)
    if number == 0:
        raise PopSyntaxError("messages are numbered from 1")
    return number


def _whole(word: bytes) -> int:
    if not word.isdigit() or len(word) > _MOST_DIGITS:
        raise PopSyntaxError("a number is expected")
    return int(word)


def _optional_number(words: _Words) -> int | None:
    return _number(words[0]) if words else None


def _authenticate(words: _Words) -> PopAuthenticate:
    if not words:
        return PopAuthenticate()
    return PopAuthenticate(_ascii(words[0]).upper(), words[1] if len(words) > 1 else None)


def _ascii(word: bytes) -> str:
    if not word.isascii():
        raise PopSyntaxError("the argument must be ASCII")
    return word.decode("ascii")


def _count(least: int, most: int) -> str:
    if not most:
        return "no arguments"
    number = str(most) if least == most else f"{least} to {most}"
    return f"{number} argument{'' if most == 1 else 's'}"


_OF_TEXT: dict[bytes, Callable[[bytes], PopCommand]] = {b"USER": UserName, b"PASS": PassPhrase}
_OF_WORDS: dict[bytes, tuple[int, int, Callable[[_Words], PopCommand]]] = {
    b"AUTH": (0, 2, _authenticate),
    b"STLS": (0, 0, lambda _: PopStartTls()),
    b"CAPA": (0, 0, lambda _: PopCapabilities()),
    b"QUIT": (0, 0, lambda _: PopQuit()),
    b"NOOP": (0, 0, lambda _: PopNoop()),
    b"STAT": (0, 0, lambda _: MaildropStatus()),
    b"LIST": (0, 1, lambda words: ListSizes(_optional_number(words))),
    b"UIDL": (0, 1, lambda words: ListUniqueIds(_optional_number(words))),
    b"RETR": (1, 1, lambda words: RetrieveMessage(_number(words[0]))),
    b"TOP": (2, 2, lambda words: TopOfMessage(_number(words[0]), _whole(words[1]))),
    b"DELE": (1, 1, lambda words: DeleteMessage(_number(words[0]))),
    b"RSET": (0, 0, lambda _: ResetDeletions()),
    b"LANG": (0, 1, lambda words: ChooseLanguage(_ascii(words[0]) if words else "")),
    b"UTF8": (0, 0, lambda _: UseUtf8()),
}

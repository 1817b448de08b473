"""The commands of ManageSieve as values (RFC 5804 §2), read from the words of a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from shared.protocol.managesieve.frame_event import ReceivedCommand

MOST_NAME_CHARACTERS = 128
"""The characters of a script's name (RFC 5804 §1.6 demands 128)."""
_NO_NAME_CHARACTERS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_MECHANISM_OCTETS = 64
_TAG_OCTETS = 1024


class CommandRefused(ValueError):
    """The command is not known, or its arguments are not those of the command; answer NO."""


class BeginLogIn(NamedTuple):
    """Begins a log-in. `initial` is the initial response in base64, None without one."""

    mechanism: str
    initial: bytes | None = None


class StartTls(NamedTuple):
    """Begins TLS."""


class EndSession(NamedTuple):
    """Ends the session."""


class ListCapabilities(NamedTuple):
    """Asks for the capabilities."""


class HaveSpace(NamedTuple):
    """Asks whether a script of a size may be stored under a name."""

    name: str
    size: int


class PutScript(NamedTuple):
    """Stores a script."""

    name: str
    source: bytes


class ListScripts(NamedTuple):
    """Lists the scripts."""


class SetActive(NamedTuple):
    """Activates a script; with an empty name none is active afterwards."""

    name: str


class GetScript(NamedTuple):
    """Asks for the source of a script."""

    name: str


class DeleteScript(NamedTuple):
    """Deletes a script."""

    name: str


class RenameScript(NamedTuple):
    """Renames a script."""

    name: str
    new_name: str


class CheckScript(NamedTuple):
    """Asks whether a script can be compiled."""

    source: bytes


class Noop(NamedTuple):
    """Does nothing. The answer repeats the tag, if there is one (§2.13)."""

    tag: bytes | None = None


class Unauthenticate(NamedTuple):
    """Ends the log-in and keeps the connection."""


ManageSieveCommand = (
    BeginLogIn
    | StartTls
    | EndSession
    | ListCapabilities
    | HaveSpace
    | PutScript
    | ListScripts
    | SetActive
    | GetScript
    | DeleteScript
    | RenameScript
    | CheckScript
    | Noop
    | Unauthenticate
)
_Arguments = tuple[bytes | int, ...]


def parse_managesieve(received: ReceivedCommand) -> ManageSieveCommand:
    """The command of a line. Raises CommandRefused."""
    reader = _READERS.get(received.name)
    if reader is None:
        raise CommandRefused(f"there is no command {received.name[:40]}")
    least, most, read = reader
    if not least <= len(received.arguments) <= most:
        raise CommandRefused(f"{received.name} takes {_count(least, most)}")
    return read(received.arguments)


def script_name(octets: bytes | int) -> str:
    """The name of a script: UTF-8 text without control characters (RFC 5804 §1.6). Raises CommandRefused."""
    try:
        name = _string(octets).decode("utf-8")
    except UnicodeDecodeError:
        raise CommandRefused("the name of a script must be UTF-8") from None
    if len(name) > MOST_NAME_CHARACTERS:
        raise CommandRefused(f"the name of a script must have at most {MOST_NAME_CHARACTERS} characters")
    if any(unicodedata.category(character) in _NO_NAME_CHARACTERS for character in name):
        raise CommandRefused("the name of a script must have no control characters and no line ends")
    return name


def _existing(octets: bytes | int) -> str:
    """The name of a script that must not be empty."""
    name = script_name(octets)
    if not name:
        raise CommandRefused("the name of a script must not be empty")
    return name


def _string(argument: bytes | int) -> bytes:
    if isinstance(argument, int):
        raise CommandRefused("a string is expected, quoted or as a literal")
    return argument


def _authenticate(arguments: _Arguments) -> BeginLogIn:
    mechanism = _string(arguments[0])
    if len(mechanism) > _MECHANISM_OCTETS or not mechanism.isascii():
        raise CommandRefused("there is no such mechanism")
    return BeginLogIn(mechanism.decode("ascii").upper(), _string(arguments[1]) if len(arguments) > 1 else None)


def _have_space(arguments: _Arguments) -> HaveSpace:
    size = arguments[1]
    if not isinstance(size, int):
        raise CommandRefused("the size must be a number")
    return HaveSpace(_existing(arguments[0]), size)


def _noop(arguments: _Arguments) -> Noop:
    if not arguments:
        return Noop()
    tag = _string(arguments[0])
    if len(tag) > _TAG_OCTETS:
        raise CommandRefused(f"the tag must have at most {_TAG_OCTETS} octets")
    return Noop(tag)


def _count(least: int, most: int) -> str:
    if not most:
        return "no arguments"
    number = str(most) if least == most else f"{least} to {most}"
    return f"{number} argument{'' if most == 1 else 's'}"


_READERS: dict[str, tuple[int, int, Callable[[_Arguments], ManageSieveCommand]]] = {
    "AUTHENTICATE": (1, 2, _authenticate),
    "STARTTLS": (0, 0, lambda _: StartTls()),
    "LOGOUT": (0, 0, lambda _: EndSession()),
    "CAPABILITY": (0, 0, lambda _: ListCapabilities()),
    "HAVESPACE": (2, 2, _have_space),
    "PUTSCRIPT": (2, 2, lambda given: PutScript(_existing(given[0]), _string(given[1]))),
    "LISTSCRIPTS": (0, 0, lambda _: ListScripts()),
    "SETACTIVE": (1, 1, lambda given: SetActive(script_name(given[0]))),
    "GETSCRIPT": (1, 1, lambda given: GetScript(_existing(given[0]))),
    "DELETESCRIPT": (1, 1, lambda given: DeleteScript(_existing(given[0]))),
    "RENAMESCRIPT": (2, 2, lambda given: RenameScript(_existing(given[0]), _existing(given[1]))),
    "CHECKSCRIPT": (1, 1, lambda given: CheckScript(_string(given[0]))),
    "NOOP": (0, 1, _noop),
    "UNAUTHENTICATE": (0, 0, lambda _: Unauthenticate()),
}

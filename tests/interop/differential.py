"""The same IMAP commands in Mailfold and in Dovecot; docs/imap-differences.md lists what may differ, and why."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from typing import NamedTuple, cast

from tests.harness.imap_wire import Answer, Value, Wire, fetched
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.parts.dovecot import PASSWORD, Dovecot

_USES = {"Archive": "Archive", "Drafts": "Drafts", "Sent": "Sent", "Spam": "Junk", "Trash": "Trash"}
OWN_MAILS = (
    "mail_location = sdbox:~/%u\nnamespace inbox {\n"
    + "".join(
        f"  mailbox {name} {{\n    special_use = \\{use}\n    auto = subscribe\n  }}\n" for name, use in _USES.items()
    )
    + "}\n"
)
"""Configuration of Dovecot with which each user has the mailboxes of a new account of ours."""
_CODES_OF_OURS = re.compile(rb"\A(MAILBOXID .*|NONEXISTENT|CANNOT|CLIENTBUG|BADCHARSET.*)\Z", re.DOTALL)
_VALUES = re.compile(rb"\b(UIDVALIDITY|HIGHESTMODSEQ|APPENDUID|COPYUID|BADURL)( [0-9]+)?")
_OPENS = (b"SELECT", b"EXAMINE")
_ATTRIBUTES_THAT_MAY_BE_LEFT_OUT = frozenset(
    b"\\archive \\drafts \\sent \\junk \\trash \\noselect \\nonexistent \\haschildren \\hasnochildren \\marked "
    b"\\unmarked".split()
)


class Both(NamedTuple):
    """One connection to each server."""

    ours: Wire
    theirs: Wire

    @classmethod
    def connect(cls, server: MailfoldServer, person: Person, dovecot: Dovecot) -> Both:
        """Log in to both, with mailboxes that have the same names."""
        plain = socket.create_connection(("localhost", server.port(IMAPS)))
        ours = Wire(server.tls().wrap_socket(plain, server_hostname="localhost"))
        theirs = Wire(socket.create_connection(("127.0.0.1", dovecot.port)))
        ours.ok(f'LOGIN {person.address} "{person.password}"')
        theirs.ok(f"LOGIN {person.user} {PASSWORD}")
        theirs.ok("SUBSCRIBE INBOX")
        return cls(ours, theirs)

    def ok(self, command: str | bytes) -> tuple[Answer, Answer]:
        """A command that must succeed in both."""
        return self.ours.ok(command), self.theirs.ok(command)

    def close(self) -> None:
        """Close both connections."""
        self.ours.close()
        self.theirs.close()

    def differ(self, command: str | bytes) -> str:
        """How the answers differ; empty when they are equivalent."""
        text = command.encode() if isinstance(command, str) else command
        ours, theirs = (_normal(wire.ask(command), text) for wire in (self.ours, self.theirs))
        if ours == theirs:
            return ""
        return f"{text[:100]!r}\n  Mailfold {_without(ours, theirs)}\n  Dovecot  {_without(theirs, ours)}"


def _without(lines: list[str], others: list[str]) -> list[str]:
    return [line[:300] for line in lines if line not in others] or ["another order, or less"]


def _normal(answer: Answer, command: bytes) -> list[str]:
    """The answer without what a server is free to choose; untagged responses in order of their text."""
    code = b"" if _CODES_OF_OURS.match(answer.code) else _VALUES.sub(rb"\1", answer.code).replace(b'"', b"")
    lines = filter(None, (_line(line, command) for line in answer.lines))
    return [f"{answer.status!r} {code!r}", *sorted(map(repr, lines))]


def _line(line: tuple[Value, ...], command: bytes) -> tuple[object, ...] | None:
    match line:
        case (b"OK", bytes(code), *_) if code.startswith((b"[UIDVALIDITY", b"[HIGHESTMODSEQ", b"[MAILBOXID")):
            return None
        case (b"OK", bytes(code), *_) | (bytes(code), *_) if code.startswith(
            (b"FLAGS", b"[PERMANENTFLAGS")
        ) and not command.upper().startswith(_OPENS):
            return None  # a server may name new keywords at any time
        case (bytes(), b"EXISTS" | b"RECENT") if b"MOVE" in command:
            return None  # moved within one mailbox: the number depends on the order with EXPUNGE
        case (b"OK" | b"NO" | b"BAD", *_):
            return (line[0], _VALUES.sub(rb"\1", cast(bytes, line[1])))
        case (b"LIST" | b"LSUB", tuple(attributes), separator, name, *rest):
            words = {cast(bytes, word).lower() for word in attributes} - _ATTRIBUTES_THAT_MAY_BE_LEFT_OUT
            return (line[0], sorted(words), separator, _name(name), rest)
        case (b"STATUS", name, tuple(items)):
            values = dict(zip(items[::2], items[1::2], strict=True))
            return (b"STATUS", _name(name), sorted((key, values[key]) for key in values if key != b"HIGHESTMODSEQ"))
        case (b"FLAGS", tuple(flags)):
            return (b"FLAGS", sorted(map(repr, flags)))
        case (bytes(), b"FETCH", tuple(items)):
            shown = _items(dict(zip(items[::2], items[1::2], strict=True)), command)
            return None if b".SILENT" in command and not {b"FLAGS"} & dict(shown).keys() else (line[0], shown)
        case (b"ESEARCH" | b"SEARCH" | b"SORT", *_):
            words_ = [word for word in line if not isinstance(word, tuple)]
            return (*words_[: words_.index(b"MODSEQ")],) if b"MODSEQ" in words_ else tuple(words_)
        case _:
            return line


def _name(name: Value) -> bytes:
    text = bytes(cast(bytes, name))
    return b"INBOX" if text.upper() == b"INBOX" else text


def _items(items: dict[Value, Value], command: bytes) -> list[tuple[bytes, object]]:
    """The items of FETCH: only what the command asked for, because a server may always add some."""
    upper = command.upper()
    return sorted(
        (label, shape(label, value))
        for name, value in items.items()
        if (label := cast(bytes, name).upper()) not in (b"MODSEQ", b"UID") or label in upper
    )


def shape(label: bytes, value: Value) -> object:
    """A value in a form in which both servers' ways to write it are equal."""
    if label == b"FLAGS":
        return sorted(map(repr, cast(tuple[Value, ...], value)))
    if label == b"MODSEQ":
        return "a number"
    if label == b"INTERNALDATE":
        moment = datetime.strptime(cast(bytes, value).decode().strip(), "%d-%b-%Y %H:%M:%S %z")
        return moment.astimezone(UTC)
    if label == b"SAVEDATE" and value is not None:
        datetime.strptime(cast(bytes, value).decode().strip(), "%d-%b-%Y %H:%M:%S %z")
        return "a moment"  # a second may pass between the commands of the two servers
    if label in (b"ENVELOPE", b"BODY", b"BODYSTRUCTURE"):
        return _folded(value)
    return value or b""


def _folded(value: Value) -> object:
    if isinstance(value, tuple):
        return [_folded(entry) for entry in value]
    if value in (None, b"MISSING_DOMAIN", b"MISSING_MAILBOX"):
        return b""
    return re.sub(rb"\s+", b" ", cast(bytes, value)).strip().lower()


def fetch_differences(both: Both, items: str, numbers: str = "1:*") -> dict[int, str]:
    """By message number, how one FETCH differs."""
    answers = [wire.ask(f"FETCH {numbers} {items}") for wire in both]
    ours, theirs = (
        {
            number: {name.upper(): shape(name.upper(), value) for name, value in values.items()}
            for number, values in fetched(answer).items()
        }
        for answer in answers
    )
    assert ours.keys() == theirs.keys(), items
    return {
        number: f"{items}\n  Mailfold {ours[number]!r}\n  Dovecot  {theirs[number]!r}"
        for number in ours
        if ours[number] != theirs[number]
    }

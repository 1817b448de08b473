"""Runs the built-in script of delivery (`script.py`): the context of a message in, actions out.

It has no clock and no I/O, and a script cannot run forever because the language has no loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from shared.protocol.sieve.script import Command, Discard, FileInto, If, IsSpam, Keep, Not, Script, Stop, Test


class MessageContext(msgspec.Struct, frozen=True):
    """What a script may ask about the message."""

    spam: bool = False


class Filed(msgspec.Struct, frozen=True):
    """The message is filed into this mailbox; both fields are empty for INBOX."""

    mailbox: str = ""
    special_use: str = ""
    rule: str = ""
    """The script and command that decided, as text for people."""


class Actions(msgspec.Struct, frozen=True):
    """The actions of a script. A message that is not filed is discarded."""

    filed: tuple[Filed, ...]


class _Stopped(Exception):
    """Raised by `stop` to end the script."""


def run(script: Script, context: MessageContext) -> Actions:
    """The actions of a script. The implicit keep applies unless a command cancelled it (RFC 5228 §2.10.2)."""
    filed: list[Filed] = []
    cancelled = False
    try:
        for command in _flow(script.commands, context):
            match command:
                case Keep():
                    filed.append(Filed(rule=f"{script.name}: keep"))
                case FileInto(mailbox, special_use):
                    filed.append(Filed(mailbox, special_use, f"{script.name}: fileinto {special_use or mailbox}"))
                case Discard():
                    pass
            cancelled = True
    except _Stopped:
        pass
    if not cancelled:
        filed.append(Filed(rule="implicit keep"))
    return Actions(tuple(dict.fromkeys(filed)))


def _flow(commands: tuple[Command, ...], context: MessageContext) -> Iterator[Keep | Discard | FileInto]:
    for command in commands:
        match command:
            case If(test, then):
                if _holds(test, context):
                    yield from _flow(then, context)
            case Stop():
                raise _Stopped
            case Keep() | Discard() | FileInto():
                yield command
            case _:
                assert_never(command)


def _holds(test: Test, context: MessageContext) -> bool:
    match test:
        case IsSpam():
            return context.spam
        case Not(inner):
            return not _holds(inner, context)
        case _:
            assert_never(test)

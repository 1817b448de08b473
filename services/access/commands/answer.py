"""The type of command handlers, and answers that many of them give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services.access.session.session import ImapSession
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.response_code import Code

Handler = Callable[[ImapSession, Any], Awaitable[bytes]]
"""Carries out a command: writes untagged data and returns the tagged response.

Changes of the mailbox are written in between."""

READ_ONLY_TEXT = "The mailbox was opened read-only"


def done(tag: bytes, name: str) -> bytes:
    """The tagged response OK to a completed command."""
    return response.ok(tag, f"{name} completed")


def answer_for(command: c.Fetch | c.Store, name: str, asked: int, answered: int) -> bytes:
    """The tagged response when only `answered` of the `asked` messages still exist.

    A sequence number refers to a message that the client still counts, so a command fails when all of its messages are
    gone (RFC 2180 §4.1, §4.2). UIDs of missing messages are skipped (RFC 3501 §6.4.8).
    """
    if answered >= asked:
        return done(command.tag, name)
    if answered or command.uid:
        return response.ok(command.tag, f"{name} completed; some messages are gone", Code.EXPUNGEISSUED)  # RFC 5530 §3
    return response.no(command.tag, "These messages have been deleted meanwhile", Code.EXPUNGEISSUED)

"""Applies the recorded changes of a message (`MessageEdits`) to its header."""

from __future__ import annotations

from shared.protocol.message.headers import field_lines
from shared.protocol.sieve.actions import MessageEdits


def edited_header(block: bytes, edits: MessageEdits) -> bytes:
    """The header block, without its blank line, as the edits change it (RFC 5293).

    `block` is the original header with the prefix that the script saw. Lines that belong to no field are left out.
    """
    deleted = frozenset(edits.deleted)
    kept = [line for number, (_, line) in enumerate(field_lines(block)) if number not in deleted]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    return b"".join((*edits.top, *kept, *edits.bottom))

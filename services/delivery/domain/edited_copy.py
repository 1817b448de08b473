"""How the changes of a script divide over the prefix of a copy and its message (RFC 5293, RFC 5703).

What a script adds on top, and what it deletes of the lines that delivery puts on top, changes the prefix of this copy
only. Everything else makes a message of its own, because the stored message is shared by all its copies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shared.protocol.message.headers import field_lines
from shared.protocol.message.scan import scan
from shared.protocol.sieve.actions import MessageEdits

MOST_ADDED = 16 * 1024
"""Octets of header lines in the prefix of a copy; more become part of a message of its own."""


class EditedParts(NamedTuple):
    """The parts of an edited message."""

    added: bytes = b""
    """All header lines that scripts have added on top, now and before."""
    prefix: bytes | None = None
    """What is left of the prefix; None: all of it."""
    header: bytes | None = None
    """The header of the message without its blank line, when it has changed and the body has not."""
    content: bytes | None = None
    """The whole message, when its body has changed."""


def divided(edits: MessageEdits, added: bytes, prefix: bytes, header: bytes) -> EditedParts:
    """The parts of a message with these edits.

    The script saw `added`, the lines that earlier scripts have added, then `prefix`, then `header`.
    """
    if edits.content is not None:
        return _of_content(edits.content, prefix)
    own, lines = _lines(added), _lines(prefix)
    deleted = frozenset(edits.deleted)
    top = b"".join([*edits.top, *_left(own, deleted, 0)])
    left = _left(lines, deleted, len(own))
    changed = None if len(left) == len(lines) else b"".join(left)
    first = len(own) + len(lines)
    is_changed = bool(edits.bottom) or any(number >= first for number in deleted)
    if not is_changed and len(top) <= MOST_ADDED:
        return EditedParts(top, changed)
    kept = b"".join([*_left(_lines(header), deleted, first), *edits.bottom]) if is_changed else _header(header)
    return EditedParts(top, changed, kept) if len(top) <= MOST_ADDED else EditedParts(b"", changed, top + kept)


def _of_content(content: bytes, prefix: bytes) -> EditedParts:
    """The parts of a message that was made anew: the lines of the prefix are in its header, as far as they are left."""
    end = scan(content).header_end
    lines, of_prefix = _lines(content[:end]), Counter(_lines(prefix))
    own: list[bytes] = []
    left: Counter[bytes] = Counter()
    for line in lines:
        if left[line] < of_prefix[line]:
            left[line] += 1
        else:
            own.append(line)
    remaining: list[bytes] = []
    for line in _lines(prefix):
        if left[line] > 0:
            left[line] -= 1
            remaining.append(line)
    is_whole = len(remaining) == of_prefix.total()
    return EditedParts(b"", None if is_whole else b"".join(remaining), None, b"".join([*own, b"\r\n", content[end:]]))


def _lines(block: bytes) -> list[bytes]:
    """The fields of a block, each with its line end."""
    return [line if line.endswith(b"\n") else line + b"\r\n" for _, line in field_lines(block)]


def _left(lines: Sequence[bytes], deleted: frozenset[int], first: int) -> list[bytes]:
    return [line for number, line in enumerate(lines, first) if number not in deleted]


def _header(header: bytes) -> bytes:
    """A header without the blank line at its end."""
    return b"".join(_lines(header))

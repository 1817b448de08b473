"""Recognises Authentication-Results fields that claim to be ours, so that forged ones can be removed (RFC 8601 §5)."""

from __future__ import annotations

import re
from collections.abc import Set

from shared.protocol.dns.names import to_a_labels
from shared.protocol.structured import comment_end

_BLANK = re.compile(r"[ \t\r\n]*")
_QUOTED = re.compile(r'"((?>(?:[^"\\]|\\.)*))"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FOLD = re.compile(r"\r\n[ \t]+")
_WORD = re.compile(r'[^\s();"]+')


def read_authserv_id(value: str) -> str:
    """The authserv-id in a field's value; empty when there is none.

    Versions and comments are skipped. Never raises.
    """
    at = _skip_comments(value)
    quoted = _QUOTED.match(value, at)
    if quoted is not None:
        return _QUOTED_PAIR.sub(r"\1", _FOLD.sub(" ", quoted[1]))
    word = _WORD.match(value, at)
    return word[0] if word else ""


def canonical_id(authserv_id: str) -> str:
    """The form in which authserv-ids are compared: A-labels in lower case, without a final dot."""
    text = authserv_id.strip()
    return to_a_labels(text) or text.lower()


def is_ours(value: str, authserv_ids: Set[str]) -> bool:
    """Whether a field claims to come from one of these `canonical_id`s. Such a field from outside is forged.

    `id/1` counts as `id`, because another reader might read it so.
    """
    written = read_authserv_id(value)
    return canonical_id(written) in authserv_ids or canonical_id(written.partition("/")[0]) in authserv_ids


def _skip_comments(value: str) -> int:
    """The position behind white space and nested comments (RFC 5322 §3.2.2).

    An unclosed comment extends to the end.
    """
    at = _BLANK.match(value).end()  # type: ignore[union-attr]
    while value.startswith("(", at):
        # without a limit, because a forged field must always be recognised
        end = comment_end(value, at, most=len(value))
        if end < 0:
            return len(value)
        at = _BLANK.match(value, end).end()  # type: ignore[union-attr]
    return at

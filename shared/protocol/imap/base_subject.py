"""The base subject of a message: its Subject without marks of replies and forwards (RFC 5256 §2.1).

Every loop takes at least one character away, so the work is bounded by the length of the subject.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_CHARACTERS = 2000
"""Characters of a subject that are examined."""
_SPACES = re.compile(r"[ \t\r\n]+")
_FORWARD_TRAILER = "(fwd)"
# subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" ;  subj-blob = "[" *BLOBCHAR "]" *WSP
_BLOB = r"\[[^\[\]]*\] *"
_LEADER = re.compile(rf"(?>(?:{_BLOB})*)(?:re|fwd?) *(?:{_BLOB})?: *", re.IGNORECASE)
_MARKS = frozenset(":[(")
"""Characters of which every mark of a reply or forward has at least one."""
_BLOB_IN_FRONT = re.compile(_BLOB)
_FORWARD = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)


class BaseSubject(NamedTuple):
    """A base subject, and whether the subject was that of a reply or a forward."""

    text: str
    is_reply: bool


def base_subject(decoded: str) -> BaseSubject:
    """The base subject of a decoded Subject. Its case is kept; comparisons fold it."""
    text, is_reply = _SPACES.sub(" ", decoded[:MOST_CHARACTERS]).strip(" "), False
    if _MARKS.isdisjoint(text):
        return BaseSubject(text, is_reply)
    while True:
        cut = _without_trailer(text)
        is_reply = is_reply or len(cut.rstrip(" ")) < len(text.rstrip(" "))
        text, was_led = _without_leaders(cut)
        is_reply = is_reply or was_led
        forward = _FORWARD.match(text)
        if forward is None:
            return BaseSubject(text, is_reply)
        text, is_reply = forward[1].strip(" "), True


def _without_trailer(text: str) -> str:
    end = len(text)
    while True:
        if text.endswith(" ", 0, end):
            end -= 1
        elif text[max(end - len(_FORWARD_TRAILER), 0) : end].lower() == _FORWARD_TRAILER:
            end -= len(_FORWARD_TRAILER)
        else:
            return text[:end]


def _without_leaders(text: str) -> tuple[str, bool]:
    """The text without prefixes of replies, and without a `[blob]` in front of more text."""
    at, was_led = 0, False
    while True:
        if leader := _LEADER.match(text, at):
            at, was_led = leader.end(), True
        elif (blob := _BLOB_IN_FRONT.match(text, at)) and blob.end() < len(text):
            at = blob.end()
        else:
            return text[at:], was_led

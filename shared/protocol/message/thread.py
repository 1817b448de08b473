"""What a message is threaded and sorted by: base subject and references (RFC 5256)."""

import re
from typing import NamedTuple

from shared.protocol.message.scan import Scan

# Subjects are hostile too: what is beyond cannot be told apart by people anyway.
_LONGEST = 1000

_SPACE = re.compile(r"\s+")
# RFC 5256 §5: subj-blob, subj-refwd, subj-leader, subj-trailer
_BLOB = r"\[[^\[\]]*+\]\s*+"
_LEADER = re.compile(rf"(?:{_BLOB})*(?:re|fwd?)\s*+(?:{_BLOB})?:\s*+|\s++", re.I)
_LEADING_BLOB = re.compile(_BLOB)
_TRAILER = re.compile(r"(?:\(fwd\)|\s)\Z", re.I)
_FORWARDED = re.compile(r"\[fwd:(.*)\]\Z", re.I | re.S)


class BaseSubject(NamedTuple):
    """`text` without reply and forward marks (RFC 5256 §2.1); `is_reply` when there were such marks."""

    text: str
    is_reply: bool


class ThreadKey(NamedTuple):
    """`ids`: this message's id and those it refers to, nearest last. `subject` is folded for comparison."""

    message_id: str
    ids: tuple[str, ...]
    subject: str
    is_reply: bool


def base_subject(subject: str) -> BaseSubject:
    """The base subject of a decoded subject (RFC 5256 §2.1, steps 1 to 6)."""
    text = _SPACE.sub(" ", subject[:_LONGEST]).strip()
    is_reply = False
    while True:
        text, marked = _without_trailers(text)
        text, led = _without_leaders(text)
        is_reply |= marked or led
        match = _FORWARDED.match(text)
        if match is None:
            return BaseSubject(text, is_reply)
        text, is_reply = match[1].strip(), True


def _without_trailers(text: str) -> tuple[str, bool]:
    marked = False
    while match := _TRAILER.search(text, max(0, len(text) - 5)):
        marked |= not match[0].isspace()
        text = text[: match.start()]
    return text, marked


def _without_leaders(text: str) -> tuple[str, bool]:
    """Steps 3 to 5; a leading blob goes only if something is left after it."""
    at, marked = 0, False
    while True:
        if match := _LEADER.match(text, at):
            marked |= not match[0].isspace()
        elif not (match := _LEADING_BLOB.match(text, at)) or match.end() == len(text):
            return text[at:], marked
        at = match.end()


def thread_key(scan: Scan) -> ThreadKey:
    """What decides to which thread a message belongs. References count, else the first In-Reply-To (RFC 5256 §3)."""
    base = base_subject(scan.subject)
    ancestors = scan.references or scan.in_reply_to[:1]
    ids = tuple(dict.fromkeys(each for each in (*ancestors, scan.message_id) if each))
    return ThreadKey(scan.message_id, ids, base.text.casefold(), base.is_reply)

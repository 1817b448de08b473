"""Comments in structured header fields (RFC 5322 §3.2.2, RFC 2045 §5.1); no other module skips comments.

Comments nest, and contain quoted pairs; a quoted string contains no comment. The time is linear in the value: nothing
recurses, and the end of an unclosed comment or quoted string is searched for only once.
"""

import re

# Within a comment: text, quoted pairs and comments without inner comments; then a run of parentheses.
_PART = rb"(?>(?:[^()\\]++|\\.|\((?>(?:[^()\\]++|\\.)*)\))*)(?:(?P<open>\(++)|(?P<close>\)++))?"
_BYTES_PART = re.compile(_PART, re.S)
_TEXT_PART = re.compile(_PART.decode(), re.S)
# Before a comment: text, quoted pairs, quoted strings. A quote that is never closed is an ordinary character.
_BEFORE = re.compile(rb'(?>(?:[^"(\\]++|\\.|"(?>(?:[^"\\]++|\\.)*)"|["\\])*)', re.S)


def comment_end(value: bytes | str, at: int, most: int = 10_000) -> int:
    """The offset behind the comment that begins at `at`.

    It is -1 when the comment is not closed, or is closed only behind more than `most` runs of parentheses.
    """
    depth, at = 1, at + 1
    for _ in range(most):
        match = _BYTES_PART.match(value, at) if isinstance(value, bytes) else _TEXT_PART.match(value, at)
        if match is None or match.lastgroup is None:
            return -1
        start, at = match.span(match.lastgroup)
        if match.lastgroup == "open":
            depth += at - start
        elif at - start >= depth:
            return start + depth
        else:
            depth -= at - start
    return -1


def blank_comments(value: bytes) -> bytes:
    """The value with spaces in place of comments, so that all offsets stay the same.

    A parenthesis that is never closed begins no comment; the text behind it counts.
    """
    if b"(" not in value:
        return value
    pieces, at = [], 0
    while (start := _before(value, at)) < len(value) and (end := comment_end(value, start)) >= 0:
        pieces += [value[at:start], b" " * (end - start)]
        at = end
    return b"".join((*pieces, value[at:]))


def _before(value: bytes, at: int) -> int:
    match = _BEFORE.match(value, at)
    return match.end() if match else len(value)

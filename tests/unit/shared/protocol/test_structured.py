"""Comments of structured fields (RFC 5322 §3.2.2): nested, quoted, unclosed, many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol import structured
from shared.protocol.structured import blank_comments, comment_end


@pytest.mark.parametrize(
    ("value", "end"),
    [
        (b"()", 2),
        (b"(a)b", 3),
        (b"(a(b)c)d", 7),
        (rb"(a\)b)c", 6),
        (rb"(a\(b)c", 6),
        (rb"(a\\)b", 5),
        (b'(")"', 3),
        (b"((a))b", 5),
        (b"((a)(b)((c)d))e", 14),
        (b"(()))", 4),
        (b"(a(b)c(d)e)f)", 11),
        (b"(", -1),
        (b"((a)", -1),
        (b"(a\\", -1),
        (b"(a\\)", -1),
        (b"(\r\n \x00\xff)x", 7),
    ],
)
def test_where_a_comment_ends(value: bytes, end: int) -> None:
    assert comment_end(value, 0) == end
    assert comment_end(value.decode("latin-1"), 0) == end


@pytest.mark.parametrize(
    ("value", "blanked"),
    [
        (b"a", b"a"),
        (b"a(b)c", b"a   c"),
        (b"(a)(b)", b"      "),
        (b"a (b (c) d) e", b"a           e"),
        (b'"a(b)"(c)', b'"a(b)"   '),
        (rb'"a\"(b)"(c)', rb'"a\"(b)"   '),
        (rb"a\(b(c)", rb"a\(b   "),
        (b'a"b(c)', b'a"b   '),
        (b"a(b; c=d", b"a(b; c=d"),
        (b"(a)b(c; d=e (f)", b"   b(c; d=e (f)"),
        (b"(\\", b"(\\"),
        (b"\\(a)", b"\\(a)"),
    ],
)
def test_comments_become_blanks_and_all_else_stays_where_it_is(value: bytes, blanked: bytes) -> None:
    assert blank_comments(value) == blanked


@given(st.lists(st.sampled_from([b"(", b")", b'"', b"\\", b"a", b" ", b";", b"\x00", b"\xff"])).map(b"".join))
def test_any_bytes(value: bytes) -> None:
    """The length stays, what is no comment keeps its place, and a second pass changes nothing outside of comments."""
    blanked = blank_comments(value)
    assert len(blanked) == len(value)
    assert all(new in (old, 0x20) for old, new in zip(value, blanked, strict=True))


class Counted:
    """Counts the octets that a pattern examines."""

    def __init__(self, pattern: object) -> None:
        self._pattern = pattern
        self.octets = 0

    def match(self, value: bytes, at: int) -> object:
        match = self._pattern.match(value, at)  # type: ignore[attr-defined]
        self.octets += match.end() - at + 1
        return match


HOSTILE = {
    "backslash and parenthesis": b"(\\" * 50_000,
    "escaped parentheses": b"(\\(\\(" * 20_000,
    "open": b"(" * 100_000,
    "closed one by one": b"()" * 50_000,
    "nested": b"(" * 50_000 + b")" * 50_000,
    "quotes": b'"\\' * 50_000 + b"(",
    "escaped quotes": b'"' + b'\\"' * 50_000 + b"(" + b'\\"' * 50_000,
    "quotes and comments": b'("' * 50_000,
    "pairs of pairs": b"((())(()))" * 10_000,
    "closed, then not": b"(a)" * 20_000 + b"(" + b"a" * 40_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_comments_are_passed_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 kB of comments took 10 s. Each octet is examined twice at most: before a comment, or inside one."""
    part, before = Counted(structured._BYTES_PART), Counted(structured._BEFORE)
    monkeypatch.setattr(structured, "_BYTES_PART", part)
    monkeypatch.setattr(structured, "_BEFORE", before)
    blank_comments(HOSTILE[name])
    assert part.octets + before.octets <= 4 * len(HOSTILE[name])


@given(st.lists(st.sampled_from(["(", "((", ")", "))", "\\", "a", '"']), max_size=30).map("".join))
def test_as_counted_one_by_one(rest: str) -> None:
    value, depth, at = "(" + rest, 0, 0
    while at < len(value):
        depth += {"(": 1, ")": -1}.get(value[at], 0)
        at += 2 if value[at] == "\\" else 1
        if depth == 0:
            break
    assert comment_end(value, 0) == (at if depth == 0 else -1)


def test_a_bound_on_the_runs() -> None:
    assert comment_end(b"(" + b"(a(b)" * 20 + b")" * 21, 0, most=10) == -1
    assert comment_end(b"(" * 1000 + b")" * 1000, 0, most=10) == 2000

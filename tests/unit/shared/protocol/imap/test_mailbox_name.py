"""Mailbox names: modified UTF-7, INBOX, validity, and LIST's wildcards."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.protocol.imap.list_pattern import ListPattern
from shared.protocol.imap.mailbox_name import (
    InvalidMailboxName,
    ancestors,
    canonical_name,
    check_new_name,
    decode_mailbox_name,
    encode_mailbox_name,
    parent_name,
    without_trailing_separator,
)
from shared.protocol.imap.modified_utf7 import decode_modified_utf7, encode_modified_utf7

SPELLINGS = [
    ("INBOX", b"INBOX"),
    ("R&D", b"R&-D"),
    ("&", b"&-"),
    ("&&", b"&-&-"),
    ("Entwürfe", b"Entw&APw-rfe"),
    ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 §5.1.3
    ("☺!", b"&Jjo-!"),
    ("😀", b"&2D3eAA-"),
    ("a\tb", b"a&AAk-b"),
    ("", b""),
]


@pytest.mark.parametrize(("name", "wire"), SPELLINGS)
def test_spellings(name: str, wire: bytes) -> None:
    assert encode_modified_utf7(name) == wire
    assert decode_modified_utf7(wire) == name


@given(st.text(max_size=40))
def test_names_come_back(name: str) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in name))
    wire = encode_modified_utf7(name)
    assert wire.isascii()
    assert decode_modified_utf7(wire) == name
    assert encode_mailbox_name(canonical_name(name), utf8=True).decode() == canonical_name(name)


@given(st.binary(max_size=30) | st.text("&-AJoaD+,/ü", max_size=12).map(lambda text: text.encode("latin-1")))
def test_any_bytes_are_a_name_with_one_spelling_or_refused(wire: bytes) -> None:
    try:
        name = decode_modified_utf7(wire)
    except ValueError:
        return
    assert encode_modified_utf7(name) == wire


@pytest.mark.parametrize(
    "wire",
    [
        b"&",
        b"a&",
        b"&Jjo",
        b"&Jjo!",
        b"&AGE-",
        b"&Jjo-&Jjo-",
        b"&Jj-",
        b"&J-",
        b"&JjoA-",
        b"&2D0-",
        b"&3gA-",
        b"&Jjp-",
        b"&Jjo=-",
        b"&U/BTFw-",
        b"\xc3\xbc",
        b"\xff",
        b"a\0",
        b"a\tb",
        b"\x7f",
    ],
)
def test_broken_spellings(wire: bytes) -> None:
    with pytest.raises(InvalidMailboxName):
        decode_mailbox_name(wire)


def test_utf8_names() -> None:
    assert decode_mailbox_name("Entwürfe & R&-D".encode(), utf8=True) == "Entwürfe & R&-D"
    with pytest.raises(InvalidMailboxName):
        decode_mailbox_name(b"\xff", utf8=True)
    with pytest.raises(InvalidMailboxName):
        decode_mailbox_name(b"x" * 5000)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("inbox", "INBOX"),
        ("InBox/a", "INBOX/a"),
        ("inboxes", "inboxes"),
        ("a/inbox", "a/inbox"),
        ("inbox/inbox", "INBOX/inbox"),
        ("inbo", "inbo"),
        ("ınbox", "ınbox"),
    ],
)
def test_inbox_alone_ignores_case(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "INBOX/a",
        "a b",
        "100%",
        "ü/日本",
        "x" * 255,
        "/".join("a" * 32),
        ".hidden",
        "a#b",
        "#x",
        "*",
        "a%b",
        " a",
        "a ",
        " ",
    ],
)
def test_good_new_names(name: str) -> None:
    check_new_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "a\x00",
        "a\nb",
        "a\x7f",
        "a\x85",
        "a\u2028",
        "\ud800",
        "x" * 256,
        "ü" * 128,
        "/".join("a" * 33),
        "/".join(["x" * 200] * 6),
    ],
)
def test_bad_new_names(name: str) -> None:
    with pytest.raises(InvalidMailboxName) as caught:
        check_new_name(name)
    assert str(caught.value).isprintable()


def test_hierarchy() -> None:
    assert ancestors("a/b/c") == ["a", "a/b"]
    assert ancestors("a") == []
    assert (parent_name("a/b/c"), parent_name("a")) == ("a/b", "")
    assert (without_trailing_separator("a/"), without_trailing_separator("a")) == ("a", "a")


MATCHES = [
    ("", "*", "a/b", True),
    ("", "%", "a", True),
    ("", "%", "a/b", False),
    ("", "%/%", "a/b", True),
    ("", "%/%", "a/b/c", False),
    ("", "*%", "a/b", True),
    ("", "a*", "a/b/c", True),
    ("", "*c", "a/b/c", True),
    ("", "a%c", "abc", True),
    ("", "a%c", "a/c", False),
    ("", "a%%c", "ac", True),
    ("", "a*%c", "a/x/c", True),
    ("", "a", "a", True),
    ("", "a", "ab", False),
    ("", "A", "a", False),
    ("", "", "a", False),
    ("a/", "%", "a/b", True),
    ("a/", "%", "a/b/c", False),
    ("", "inbox", "INBOX", True),
    ("", "InB%", "INBOX", True),
    ("", "%x", "INBOX", True),
    ("", "inbox/%", "INBOX/a", True),
    ("inbox/", "a", "INBOX/a", True),
    ("", "inbox*", "INBOX/a", True),
    ("", "a.c", "abc", False),
    ("", "ü%", "über", True),
    ("", "%/b", "/b", True),
    ("", "ınbox", "INBOX", False),
    ("", "ıNBOX", "ıNBOX", True),
]


@pytest.mark.parametrize(("reference", "pattern", "name", "matches"), MATCHES)
def test_wildcards(reference: str, pattern: str, name: str, matches: bool) -> None:
    assert ListPattern(reference, pattern).matches(name) is matches


def naive(pattern: str, name: str) -> bool:
    """The definition of the wildcards, by trying everything."""
    if not pattern:
        return not name
    if pattern[0] in "*%":
        stop = len(name) if pattern[0] == "*" or "/" not in name else name.index("/")
        return any(naive(pattern[1:], name[cut:]) for cut in range(stop + 1))
    return bool(name) and pattern[0] == name[0] and naive(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=9), st.text("ab/", max_size=9))
def test_wildcards_against_the_definition(pattern: str, name: str) -> None:
    assert ListPattern("", pattern).matches(name) == naive(pattern, name)


def test_no_pattern_is_slow() -> None:
    """A matcher that backtracks would not finish here."""
    assert not ListPattern("", "*a%" * 200 + "b").matches("a" * 1_000)


@pytest.mark.parametrize("text", ["a" * 1001, "a*" * 30_000, "%a" * 30_000, "*" + "a" * 60_000 + "%", "é*" * 1001])
def test_a_pattern_longer_than_any_name_costs_nothing(text: str) -> None:
    """60 kB of it took 0.2 s for each LIST, because the automaton's state has a bit for each character."""
    pattern = ListPattern("", text)
    assert pattern._automaton._end == 0
    assert not any(map(pattern.matches, ["a", "INBOX", "a" * 1000, "éa"]))


def test_a_pattern_as_long_as_a_name() -> None:
    assert ListPattern("", "*a" * 1000).matches("a" * 1000)
    assert ListPattern("", "a" * 1000).matches("a" * 1000)

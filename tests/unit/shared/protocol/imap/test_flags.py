"""Flags and keywords."""

import pytest

from shared.protocol.imap.flags import InvalidFlag, canonical_flag, flag_list, is_keyword, is_system_flag


@pytest.mark.parametrize(
    ("wire", "flag"),
    [
        ("\\SEEN", "\\Seen"),
        ("\\draft", "\\Draft"),
        ("$forwarded", "$Forwarded"),
        ("$MDNSENT", "$MDNSent"),
        ("Work", "Work"),
        ("nonjunk", "NonJunk"),
    ],
)
def test_canonical(wire: str, flag: str) -> None:
    assert canonical_flag(wire) == flag


@pytest.mark.parametrize(
    "wire",
    ["", "\\", "\\Recent", "\\*", "\\Nope", "a b", "a(b", "a]b", 'a"', "a\\b", "ü", "a\n", "a%", "a*", "x" * 129],
)
def test_refused(wire: str) -> None:
    with pytest.raises(InvalidFlag):
        canonical_flag(wire)


def test_forms() -> None:
    assert flag_list(["\\Seen", "x"]) == b"(\\Seen x)"
    assert flag_list([]) == b"()"
    assert is_system_flag("\\Seen")
    assert not is_system_flag("Seen")
    assert is_keyword("x" * 128)
    assert not is_keyword("x\n")

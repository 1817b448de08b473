"""No text of a script or of a stranger can make a second header line, and none takes more than a bounded work."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.automatic.fields import (
    MOST_REFERENCES,
    field,
    mailbox_words,
    message_ids,
    references,
    text_field,
)

HOSTILE = st.text(
    st.one_of(st.sampled_from('\r\n\0\t\x0b\x0c\x1b\x85\u2028\u202e "\\<>@,;:=?ab'), st.characters()), max_size=3000
)


def assert_one_field(octets: bytes, name: bytes) -> None:
    """One field whose lines are folded, bounded, and never blank."""
    assert octets.startswith(name + b":") and octets.endswith(b"\r\n")
    lines = octets[:-2].split(b"\r\n")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert not {0, 10, 13} & set(b"".join(lines))


@given(HOSTILE)
def test_a_text_stays_one_field(text: str) -> None:
    octets = text_field("Subject", text)
    if octets:
        assert_one_field(octets, b"Subject")
        assert octets.isascii()


@given(st.lists(HOSTILE, max_size=30))
def test_words_stay_one_field(words: list[str]) -> None:
    octets = field("X-Words", words)
    if octets:
        assert_one_field(octets, b"X-Words")


@given(HOSTILE, HOSTILE)
def test_a_mailbox_stays_one_field(name: str, address: str) -> None:
    octets = field("To", mailbox_words(name, address))
    assert_one_field(octets, b"To")


@given(st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=300))
def test_a_text_is_read_as_it_was(text: str) -> None:
    value = text_field("Subject", text).decode().removeprefix("Subject: ").removesuffix("\r\n").replace("\r\n", "")
    if "=?" not in text:
        assert str(make_header(decode_header(value))) == text


@given(HOSTILE)
def test_ids_are_found_and_nothing_else(text: str) -> None:
    for message_id in message_ids(text):
        assert message_id.startswith("<") and message_id.endswith(">") and " " not in message_id


def test_references_keep_the_first_and_the_last_ids() -> None:
    ids = references([f"<{number}@a>" for number in range(500)], "<last@a>")
    assert len(ids) == MOST_REFERENCES and ids[0] == "<0@a>" and ids[-1] == "<last@a>"


def test_a_word_of_2000_octets_is_encoded() -> None:
    octets = text_field("Subject", "x" * 900)
    assert octets.startswith(b"Subject: =?utf-8?B?") and max(map(len, octets.split(b"\r\n"))) <= 78
    parsed = email.message_from_bytes(octets + b"\r\n", policy=email.policy.default)
    assert parsed["Subject"] == "x" * 900


def test_a_name_is_a_phrase() -> None:
    assert mailbox_words("Ann", "a@b") == ["Ann", "<a@b>"]
    assert mailbox_words('A. "B", C', "a@b") == ['"A. \\"B\\", C"', "<a@b>"]
    assert mailbox_words("", "a@b") == ["<a@b>"]
    assert mailbox_words("=?utf-8?q?x?=", "a@b")[0].startswith("=?utf-8?B?")


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "ä"])
def test_a_bad_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError):
        field(name, ["x"])

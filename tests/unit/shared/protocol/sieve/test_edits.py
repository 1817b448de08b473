"""Header edits: the recorded changes give the header that the script saw, and written fields are safe."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.headers import header_values, raw_fields
from shared.protocol.message.words import decode_words
from shared.protocol.sieve.actions import MessageEdits
from shared.protocol.sieve.mail.field import edited_header, header_line
from shared.protocol.sieve.mail.message import message_in_memory
from shared.protocol.sieve.mail.view import ADDED_BOTTOM, ADDED_TOP, EditedField, PresentMessage

HEADER = b"Subject: a\r\n folded\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\n"
PREFIX = b"Return-Path: <>\r\n"


def _field(name: bytes, value: bytes, origin: int) -> EditedField:
    return EditedField(name.lower(), header_line(name, value), origin)


def test_without_edits_the_header_is_the_original() -> None:
    message = PresentMessage(message_in_memory(HEADER + b"\r\nbody", PREFIX))
    assert message.header_block() == PREFIX + HEADER
    assert edited_header(PREFIX + HEADER, MessageEdits()) == PREFIX + HEADER
    assert message.whole() == PREFIX + HEADER + b"\r\nbody"


@given(st.lists(st.tuples(st.sampled_from("tbd"), st.integers(0, 9)), max_size=12))
def test_the_edits_give_the_header_that_the_script_saw(changes: list[tuple[str, int]]) -> None:
    message = PresentMessage(message_in_memory(HEADER + b"\r\nbody", PREFIX))
    for number, (kind, place) in enumerate(changes):
        fields = message.fields()
        value = b"%d" % number
        if kind == "t":
            message.set_fields([_field(b"X-New", value, ADDED_TOP), *fields])
        elif kind == "b":
            message.set_fields([*fields, _field(b"X-New", value, ADDED_BOTTOM)])
        else:
            message.set_fields([field for index, field in enumerate(fields) if index != place])
    assert edited_header(PREFIX + HEADER + b"\r\n", message.edits()) == message.header_block()


def test_the_prefix_counts_as_fields_of_the_message() -> None:
    message = PresentMessage(message_in_memory(HEADER + b"\r\nbody", PREFIX))
    message.set_fields(message.fields()[1:])
    assert message.edits().deleted == (0,)
    assert not message.header.has(b"return-path")


@given(st.text(max_size=200))
def test_a_written_field_is_exactly_one_field(value: str) -> None:
    line = header_line(b"X-A", value.encode("utf-8", "replace"))
    assert line.isascii() and line.endswith(b"\r\n")
    assert re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n|\n(?![ ]|\Z)", line) is None
    assert [name for name, _ in raw_fields(line + b"X-B: 1\r\n")] == [b"X-A", b"X-B"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=300))
def test_a_written_text_is_read_again(value: str) -> None:
    (read,) = header_values(header_line(b"X-A", value.encode()), "X-A")
    assert decode_words(read).split() == value.split() or "=?" in value


def test_lines_have_at_most_78_octets_where_that_is_possible() -> None:
    lines = header_line(b"X-A", "Größe und Gewicht ".encode() * 40).split(b"\r\n")
    assert max(map(len, lines)) <= 78
    lines = header_line(b"X-A", b"words of text " * 40).split(b"\r\n")
    assert max(map(len, lines)) <= 78

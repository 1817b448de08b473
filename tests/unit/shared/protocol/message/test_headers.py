"""Header blocks: fields and values, and how fields are selected and removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.headers import fields, has_header, header_value, header_values, raw_fields, unfold
from shared.protocol.message.sections import chosen_fields, header_fields, whole_fields
from shared.protocol.message.strip import header_without

BLOCK = (
    b"From ann@example.org Mon Nov 23\r\n"
    b"Received: one\r\n\tcontinued\r\n"
    b"Subject : obsolete space\r\n"
    b"no colon in this line\r\n"
    b"received: two\r\n"
    b"X-Empty:\r\n"
    b"To: a@b\r\n \r\n c@d\r\n"
    b"\r\n"
)


def test_fields_with_their_offsets() -> None:
    result = fields(BLOCK)
    assert [item.name for item in result] == [b"Received", b"Subject", b"received", b"X-Empty", b"To"]
    assert BLOCK[result[0].start : result[0].end] == b"Received: one\r\n\tcontinued\r\n"
    assert BLOCK[result[0].value : result[0].end] == b" one\r\n\tcontinued\r\n"
    assert raw_fields(BLOCK)[3] == (b"X-Empty", b"\r")


def test_values_by_name() -> None:
    assert header_values(BLOCK, "Received") == [b"one\tcontinued", b"two"]
    assert header_value(BLOCK, b"SUBJECT") == b"obsolete space"
    assert header_value(BLOCK, "x-empty") == b""
    assert header_value(BLOCK, "missing") is None
    assert header_value(BLOCK, "To") == b"a@b  c@d"
    assert has_header(BLOCK, "to") and not has_header(BLOCK, "t")


def test_name_is_no_pattern() -> None:
    assert header_value(b"Subject: x\r\n", "S.*t") is None


def test_bare_line_feeds() -> None:
    assert header_values(b"A: 1\n 2\nB: 3\nA: 4", "a") == [b"1 2", b"4"]


def test_unfold() -> None:
    assert unfold(b" a\r\n b\n\tc\r\n") == b"a b\tc"


@given(
    st.lists(st.sampled_from([b"A: b", b"\r\n", b"\n", b" ", b":", b"x", b"\t", b"\r", b"\x00", b"B:c\n d"])).map(
        b"".join
    )
)
def test_lookup_and_full_parse_agree(block: bytes) -> None:
    for name in (b"A", b"B", b"x"):
        assert header_values(block, name) == [
            unfold(value) for key, value in raw_fields(block) if key.lower() == name.lower()
        ]
    for field in fields(block):
        assert 0 <= field.start < field.value <= field.end <= len(block)


def test_header_fields_keeps_lines_unchanged() -> None:
    """RFC 3501 §6.4.5: fields keep the order and the folding of the message, and the blank line."""
    assert (
        header_fields(BLOCK, ["TO", "received"])
        == b"Received: one\r\n\tcontinued\r\nreceived: two\r\nTo: a@b\r\n \r\n c@d\r\n\r\n"
    )
    assert header_fields(BLOCK, [b"none"]) == b"\r\n"
    assert header_fields(b"A: 1", ["a"]) == b"A: 1\r\n\r\n"


def test_header_fields_not() -> None:
    rest = header_fields(BLOCK, ["received", "to", "subject"], exclude=True)
    assert rest == b"From ann@example.org Mon Nov 23\r\nno colon in this line\r\nX-Empty:\r\n\r\n"
    assert header_fields(BLOCK, [], exclude=True) == BLOCK
    assert header_fields(b"\r\n", ["a"], exclude=True) == b"\r\n"


@given(st.sets(st.sampled_from(["received", "subject", "x-empty", "to"])))
def test_fields_and_fields_not_divide_the_header(names: set[str]) -> None:
    chosen, rest = header_fields(BLOCK, names), header_fields(BLOCK, names, exclude=True)
    assert len(chosen) + len(rest) == len(BLOCK) + 2


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_header_without_removes_whole_fields(end: bytes) -> None:
    block = BLOCK.replace(b"\r\n", end)
    stripped = header_without(block, lambda name, value: name == b"received" and b"one" in value)
    assert stripped == block.replace(b"Received: one" + end + b"\tcontinued" + end, b"")


def test_header_without_anything_to_drop_is_the_same_object() -> None:
    assert header_without(BLOCK, lambda _name, _value: False) is BLOCK


def test_header_without_sees_lower_case_names_and_unfolded_values() -> None:
    seen: list[tuple[bytes, bytes]] = []

    def note(name: bytes, value: bytes) -> bool:
        seen.append((name, value))
        return False

    header_without(BLOCK, note)
    assert seen[0] == (b"received", b"one\tcontinued")
    assert seen[-1] == (b"to", b"a@b  c@d")


@given(
    st.lists(st.sampled_from((b"A: 1\r\n", b"b:\n", b" x\r\n", b"\t\n", b"no field\r\n", b"A:\r\n"))).map(b"".join),
    st.integers(1, 30),
    st.booleans(),
)
def test_fields_are_chosen_from_stretches_as_from_the_whole(block: bytes, octets: int, exclude: bool) -> None:
    stretches = list(whole_fields(block, octets))
    assert b"".join(stretches) == block
    chosen = b"".join(chosen_fields(stretch, ["a"], exclude=exclude) for stretch in stretches)
    assert chosen == chosen_fields(block, ["a"], exclude=exclude)

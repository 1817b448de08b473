"""What the ingress reads from a header and removes from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress.domain.header import from_values, hop_count, without_forged
from services.ingress.domain.header_block import HeaderBlock

OURS = frozenset({"mx.example.org"})


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: mx.example.org; spf=pass\r\n",
        b"AUTHENTICATION-RESULTS : MX.Example.ORG 1;\r\n\tspf=pass\r\n",
        b"Authentication-Results:\r\n (a (nested) comment) mx.example.org;\r\n spf=pass;\r\n dkim=pass\r\n",
        b'Authentication-Results: "mx.example.org"; none\r\n',
    ],
)
def test_fields_in_our_name_go(field: bytes) -> None:
    assert (
        without_forged(b"From: a@b.example\r\n" + field + b"To: c@d.example\r\n\r\n", OURS)
        == b"From: a@b.example\r\nTo: c@d.example\r\n\r\n"
    )


@pytest.mark.parametrize(
    "field",
    [
        b"Authentication-Results: other.example; spf=pass\r\n",
        b"X-Authentication-Results: mx.example.org; spf=pass\r\n",
        b"Subject: Authentication-Results: mx.example.org\r\n",
    ],
)
def test_other_fields_stay(field: bytes) -> None:
    block = b"From: a@b.example\r\n" + field + b"\r\n"
    assert without_forged(block, OURS) == block


def test_hops_are_received_fields_alone() -> None:
    assert hop_count(b"Received: a\r\n\tReceived: folded\r\nX-Received: b\r\nRECEIVED : c\r\n\r\n") == 2


def test_authors_of_all_from_fields() -> None:
    assert from_values(b"From: a@b.example\r\nfrom:\r\n \xff <c@d.example>\r\n\r\n") == (
        "a@b.example",
        "\ufffd <c@d.example>",
    )


MESSAGES = st.lists(st.sampled_from([b"A: b\r\n", b"\r\n", b"\n", b"\r", b"x", b"C: d\n"]), max_size=12).map(b"".join)


def parted(message: bytes, size: int) -> tuple[bytes, bytes]:
    block = HeaderBlock(10_000)
    for start in range(0, len(message), size):
        outputs = block.feed(message[start : start + size])
        if outputs is not None:
            return outputs[0], outputs[1] + message[start + size :]
    return block.rest(), b""


@given(MESSAGES, st.integers(1, 5))
def test_any_cut_of_the_bytes_finds_the_same_header(message: bytes, size: int) -> None:
    header, body = parted(message, size)
    assert header + body == message
    assert (header, body) == parted(message, 10_000)


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n\r\n"),
        (b"\r\nbody", b"\r\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"A: b\n\nbody", b"A: b\n\n"),
        (b"", b""),
    ],
)
def test_where_a_header_ends(message: bytes, header: bytes) -> None:
    assert parted(message, 1)[0] == header


def test_a_header_without_end_is_not_gathered() -> None:
    block = HeaderBlock(100)
    assert all(block.feed(b"x" * 60) is None for _ in range(3))
    assert block.is_too_large
    assert not block.rest()


def test_the_limit_is_for_the_header_alone() -> None:
    outputs = HeaderBlock(100).feed(b"A: b\r\n\r\n" + b"x" * 1000)
    assert outputs is not None and len(outputs[1]) == 1000
